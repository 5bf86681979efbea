/** Lets in who may do what the request asks for, by its method and path. */
import { RunlaneError } from '@runlane/contract';
import type { Scope } from '@runlane/core';
import { asksForWebSocket } from '@runlane/http';
import type { Request, RequestHandler, Response } from 'express';
import type { RequestAllowance } from '../auth/allowance.js';
import type { Auth } from '../auth/auth.js';
import { type Caller, withTrace } from '../auth/caller.js';
import { isForEmbedding } from './embedding.js';
import { KEY_PROTOCOL } from './web-socket.js';

/** Of everybody's queues, figures and keys. */
const ADMIN = /^\/(?:admin|metrics|v1\/keys)(?:\/|$)/i;

/** @param embedOrigins origins whose pages may have their readers run programs without a key. */
export function createAuthenticate(auth: Auth, embedOrigins: readonly string[]): RequestHandler {
  const embedding = new Set(embedOrigins);
  // Asked here too, not of the guard alone: to that, an origin that is also the server's own name may do everything.
  const isOfReader = (request: Request) =>
    embedding.has(request.get('Origin') ?? '') && isForEmbedding(request.method, `${request.baseUrl}${request.path}`);
  return async (request, response, next) => {
    try {
      const { caller, requests } = await auth.admit(presentedBy(request), scopeFor(request), isOfReader(request));
      response.locals.caller = withTrace(caller, request.get('traceparent'));
      if (requests) response.set(rateLimitHeaders(requests));
    } catch (error) {
      if (error instanceof RunlaneError && error.code === 'UNAUTHENTICATED') challenge(request, response);
      throw error;
    }
    next();
  };
}

/** Who sent the request that this answers. */
export function callerOf(response: Response): Caller {
  return response.locals.caller as Caller;
}

function scopeFor(request: Request): Scope {
  if (ADMIN.test(request.path)) return 'admin';
  const changesNothing = request.method === 'GET' || request.method === 'HEAD';
  return changesNothing && !asksForWebSocket(request) ? 'read' : 'submit';
}

/** By RFC 6750; browsers, which ask for the key of the board, send it as the password of RFC 7617. */
function presentedBy(request: Request): string | undefined {
  const [, scheme = '', value = ''] = /^(\S+) +(\S+)$/.exec(request.get('Authorization') ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() === 'basic')
    return Buffer.from(value, 'base64')
      .toString()
      .replace(/^[^:]*:/, '');
  const protocols = (request.get('Sec-WebSocket-Protocol') ?? '').split(',').map((protocol) => protocol.trim());
  return protocols.find((protocol) => protocol.startsWith(KEY_PROTOCOL))?.slice(KEY_PROTOCOL.length);
}

function challenge(request: Request, response: Response): void {
  const scheme = ADMIN.test(request.path) && request.method === 'GET' ? 'Basic' : 'Bearer';
  response.set('WWW-Authenticate', `${scheme} realm="Runlane"`);
}

/** As in draft-ietf-httpapi-ratelimit-headers-10. */
function rateLimitHeaders({ limit, windowSeconds, remaining, resetSeconds }: RequestAllowance) {
  return {
    'RateLimit-Policy': `"requests";q=${limit};w=${windowSeconds}`,
    RateLimit: `"requests";r=${remaining};t=${resetSeconds}`,
  };
}
