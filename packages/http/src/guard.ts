/**
 * Keeps out what no client of good faith sends, and web pages: a page in somebody's browser must not reach a server on their machine by a name that it made
 * resolve to it (DNS rebinding), nor by a request across sites (CSRF). On every route, before anything else.
 */
import { RunlaneError } from '@runlane/contract';
import type { Request, RequestHandler, Response } from 'express';
import { isUpgrade } from './upgrade.js';

const ACCEPTED_HEADERS = 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer';
const EXPOSED_HEADERS = 'Idempotency-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After';
/** How long a browser may remember what it may send. */
const PREFLIGHT_SECONDS = 600;

export interface GuardOptions {
  /** Names without port; IPv6 addresses in brackets. */
  readonly allowedHosts: readonly string[];
  /** Origins, such as `https://docs.example.org`, whose pages may do what ours may. */
  readonly corsOrigins?: readonly string[];
  /** Origins whose pages may send requests that `embeddable` allows, and no others. */
  readonly embedOrigins?: readonly string[];
  readonly embeddable?: (method: string, path: string) => boolean;
  /** Files that pages of every origin may load, and that say nothing of anybody. */
  readonly openPaths?: readonly string[];
}

export function createGuard({
  allowedHosts,
  corsOrigins = [],
  embedOrigins = [],
  embeddable = () => false,
  openPaths = [],
}: GuardOptions): RequestHandler {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const welcome = new Set(corsOrigins);
  const embedding = new Set(embedOrigins);
  const open = new Set(openPaths);
  const isWelcome = (origin: string, request: Request) =>
    welcome.has(origin) || (embedding.has(origin) && embeddable(wishedMethod(request), request.path));
  return (request, response, next) => {
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
    if (open.has(request.path) && request.method === 'GET') return next();
    const { origin } = request.headers;
    // Caches must not give one page's answer to another.
    if (welcome.size + embedding.size > 0) response.vary('Origin');
    if (origin !== undefined && isWelcome(origin, request)) {
      allowAcross(origin, response);
      if (isPreflight(request)) return answerPreflight(response);
      return next();
    }
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      throw new RunlaneError('FORBIDDEN_ORIGIN', 'requests from pages of another origin are not allowed');
    }
    if (!isSameSite(request.headers['sec-fetch-site'], request.method, request.headers['sec-fetch-mode'])) {
      throw new RunlaneError('FORBIDDEN_ORIGIN', 'requests from pages of another site are not allowed');
    }
    next();
  };
}

/** What pages of another origin may send and read, as the Fetch standard has it: no cookies, and no header that is not named. */
function allowAcross(origin: string, response: Response): void {
  response.set('Access-Control-Allow-Origin', origin);
  response.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
}

/** A preflight asks on behalf of the request that is to follow. */
function wishedMethod(request: Request): string {
  return (isPreflight(request) && request.get('Access-Control-Request-Method')) || request.method;
}

function isPreflight({ method, headers }: Request): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

function answerPreflight(response: Response): void {
  response.set('Access-Control-Allow-Methods', 'GET, HEAD, POST');
  response.set('Access-Control-Allow-Headers', ACCEPTED_HEADERS);
  response.set('Access-Control-Max-Age', String(PREFLIGHT_SECONDS));
  response.status(204).end();
}

function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Following a link from elsewhere is fine: it changes nothing, and the other page does not see the answer. */
function isSameSite(site: string | string[] | undefined, method: string, mode: string | string[] | undefined): boolean {
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return mode === 'navigate' && (method === 'GET' || method === 'HEAD');
}
