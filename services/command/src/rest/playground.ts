/**
 * The playground and the script of `<run-code>`: built files from a folder, compressed when they were built. Whoever does not ask for
 * a page at `/` gets there what clients of Piston know the server by.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { Log } from '@runlane/core';
import { type RequestHandler, type Response, Router } from 'express';
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
  if (isBuilt) addSite(routes);
  else log.warn('the playground is not built: npm run build makes it');
  routes.get('/', (_request, response) => {
    response.vary('Accept');
    response.json({ message: `Piston v${PISTON_VERSION}`, server: `Runlane ${version}`, documentation: '/docs' });
  });
  return routes;
}

function addSite(routes: Router): void {
  const page = readPage('index.html');
  const embedPage = readPage('embed.html');
  routes.get('/', (request, response, next) => {
    // Named first is what is sent to whoever accepts anything.
    if (request.accepts(['json', 'html']) !== 'html') return next();
    response.vary('Accept');
    sendPage(response, page);
  });
  routes.get('/embed', (_request, response) => sendPage(response, embedPage));
  routes.get(EMBED_SCRIPT, (_request, response, next) => {
    response.set({ 'Cross-Origin-Resource-Policy': 'cross-origin', 'Access-Control-Allow-Origin': '*' });
    next();
  });
  // Only what is there now: a name that is not is no path of a file.
  const assets = readdirSync(join(SITE, 'assets')).filter((name) => !/\.(br|gz)$/.test(name));
  for (const name of assets) routes.get(`/assets/${name}`, sendBuilt(`assets/${name}`, FOREVER));
  for (const name of ['theme.js', 'icon.svg']) routes.get(`/${name}`, sendBuilt(name, ASK_EACH_TIME));
  routes.get(EMBED_SCRIPT, sendBuilt(EMBED_SCRIPT, TEN_MINUTES));
}

const readPage = (name: string) => readFileSync(join(SITE, name), 'utf8');

/** A page, with a policy of its own: nothing from elsewhere, no script in it, and styles only of those who were told the nonce. */
function sendPage(response: Response, page: string): void {
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
      // Where browsers have it, no text becomes markup even by mistake.
      "require-trusted-types-for 'script'",
    ].join('; '),
  });
  response.type('html').send(page.replace('CSP_NONCE', nonce));
}

function sendBuilt(name: string, caching: string): RequestHandler {
  return (request, response, next) => {
    const coding = CODINGS.find((each) => request.acceptsEncodings(each.name) === each.name);
    response.vary('Accept-Encoding').type(extname(name)).set('Cache-Control', caching);
    if (coding) response.set('Content-Encoding', coding.name);
    // Ranges of what is compressed are of no use to anybody.
    const options = { root: SITE, cacheControl: false, acceptRanges: false };
    response.sendFile(`${name}${coding?.ending ?? ''}`, options, (error?: Error) => {
      if (!error || response.headersSent) return;
      // It was built anew meanwhile: what is told instead is not compressed, and not for ever.
      response.removeHeader('Content-Encoding');
      response.set('Cache-Control', 'no-store');
      next(error);
    });
  };
}
