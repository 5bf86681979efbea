/**
 * The playground and the script of `<run-code>`: built files from a folder, compressed when they were built. Whoever does not ask for
 * a page at `/` gets there what clients of Piston know the server by.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { Log } from '@runlane/core';
import { type Request, type Response, Router } from 'express';
import { PISTON_VERSION } from '../piston/routes.js';

const require = createRequire(import.meta.url);
const SITE = join(dirname(require.resolve('@runlane/playground/package.json')), 'dist/site');

/** The one file here that pages of any origin may load. */
export const EMBED_SCRIPT = '/embed/run-code.js';

/** Their names change with what is in them. */
const FOREVER = 'public, max-age=31536000, immutable';
const ASK_EACH_TIME = 'no-cache';
const TEN_MINUTES = 'public, max-age=600';

const CODINGS = [
  { name: 'br', ending: '.br' },
  { name: 'gzip', ending: '.gz' },
] as const;

/** @param version of Runlane. */
export function createPlayground(version: string, log: Log): Router {
  const routes = Router();
  const isBuilt = existsSync(join(SITE, 'index.html'));
  if (!isBuilt) log.warn('the playground is not built: npm run build makes it');
  routes.get('/', (request, response) => {
    response.vary('Accept');
    // Named first is what is sent to whoever accepts anything.
    if (isBuilt && request.accepts(['json', 'html']) === 'html') return sendPage(response, 'index.html');
    response.json({ message: `Piston v${PISTON_VERSION}`, server: `Runlane ${version}`, documentation: '/docs' });
  });
  if (!isBuilt) return routes;
  routes.get('/embed', (_request, response) => sendPage(response, 'embed.html'));
  routes.get(EMBED_SCRIPT, (request, response) => {
    response.set({ 'Cross-Origin-Resource-Policy': 'cross-origin', 'Access-Control-Allow-Origin': '*' });
    sendBuilt(request, response, EMBED_SCRIPT, TEN_MINUTES);
  });
  for (const name of ['theme.js', 'icon.svg']) {
    routes.get(`/${name}`, (request, response) => sendBuilt(request, response, name, ASK_EACH_TIME));
  }
  // Only what is there now: a name that is not is no path of a file.
  for (const name of readdirSync(join(SITE, 'assets')).filter((each) => !/\.(br|gz)$/.test(each))) {
    routes.get(`/assets/${name}`, (request, response) => sendBuilt(request, response, `assets/${name}`, FOREVER));
  }
  return routes;
}

/** A page, with a policy of its own: nothing from elsewhere, no script in it, and styles only of those who were told the nonce. */
function sendPage(response: Response, name: string): void {
  const nonce = randomBytes(16).toString('base64');
  response.set({
    'Cache-Control': ASK_EACH_TIME,
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
      "img-src 'self' data: blob:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  });
  response.type('html').send(readFileSync(join(SITE, name), 'utf8').replace('CSP_NONCE', nonce));
}

function sendBuilt(request: Request, response: Response, name: string, caching: string): void {
  const coding = CODINGS.find((each) => request.acceptsEncodings(each.name) === each.name);
  response.vary('Accept-Encoding').type(extname(name)).set('Cache-Control', caching);
  if (coding) response.set('Content-Encoding', coding.name);
  // Ranges of what is compressed are of no use to anybody.
  response.sendFile(`${name}${coding?.ending ?? ''}`, { root: SITE, cacheControl: false, acceptRanges: false });
}
