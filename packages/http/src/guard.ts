/**
 * Keeps out what no client of good faith sends, and web pages: a page in somebody's browser must not reach a server on their machine by a name that it made
 * resolve to it (DNS rebinding), nor by a request across sites (CSRF). On every route, before anything else.
 */
import { RunlaneError } from '@runlane/contract';
import type { RequestHandler } from 'express';
import { isUpgrade } from './upgrade.js';

/** @param allowedHosts names without port; IPv6 addresses in brackets. */
export function createGuard(allowedHosts: readonly string[]): RequestHandler {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return (request, _response, next) => {
    // Node takes a coding that it does not know for a request without a body; a proxy in front may see one (smuggling).
    if (!['chunked', undefined].includes(request.headers['transfer-encoding']?.toLowerCase())) {
      throw new RunlaneError('INVALID_REQUEST', 'the only transfer encoding is "chunked"');
    }
    // Node reads no body where another protocol is asked for, and what it did not read must not be taken for another request.
    if (
      isUpgrade(request) &&
      (request.headers['content-length'] ?? request.headers['transfer-encoding']) !== undefined
    ) {
      throw new RunlaneError(
        'INVALID_REQUEST',
        'a request with a body cannot ask for another protocol: leave "Upgrade" out',
      );
    }
    const host = request.headers.host?.toLowerCase() ?? '';
    if (!allowed.has(host.replace(/:\d+$/, ''))) {
      const message = `this server does not answer to "${host.slice(0, 100)}"; ALLOWED_HOSTS lists the names that it does`;
      throw new RunlaneError('MISDIRECTED_HOST', message);
    }
    const { origin } = request.headers;
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      throw new RunlaneError('FORBIDDEN_ORIGIN', 'requests from pages of another origin are not allowed');
    }
    if (!isSameSite(request.headers['sec-fetch-site'], request.method, request.headers['sec-fetch-mode'])) {
      throw new RunlaneError('FORBIDDEN_ORIGIN', 'requests from pages of another site are not allowed');
    }
    next();
  };
}

function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Following a link from elsewhere is fine: it changes nothing, and the other page does not see the answer. */
function isSameSite(site: string | string[] | undefined, method: string, mode: string | string[] | undefined): boolean {
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return mode === 'navigate' && (method === 'GET' || method === 'HEAD');
}
