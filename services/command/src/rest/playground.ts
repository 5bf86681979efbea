/**
 * The playground and the script of `<run-code>`: built files from a folder, compressed when they were built. Whoever does not ask for
 * a page at `/` gets there what clients of Piston know the server by.
 */
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Log } from '@runlane/core';
import { type RequestHandler, Router } from 'express';
import { PISTON_VERSION } from '../piston/routes.js';
import { ASK_EACH_TIME, readPage, SITE, sendPage } from './pages.js';

/** The one file here that pages of any origin may load. */
export const EMBED_SCRIPT = '/embed/run-code.js';

/** Their names change with what is in them. */
const FOREVER = 'public, max-age=31536000, immutable';
const TEN_MINUTES = 'public, max-age=600';

const CODINGS = [
  { name: 'br', ending: '.br' },
  { name: 'gzip', ending: '.gz' },
] as const;

/** @param version of Runlane. */
export function createPlayground(version: string, log: Log): Router {
  const routes = Router();
  const page = readPage('index.html');
  if (page !== undefined) addSite(routes, page);
  else log.warn('the playground is not built: npm run build makes it');
  routes.get('/', (_request, response) => {
    response.vary('Accept');
    response.json({ message: `Piston v${PISTON_VERSION}`, server: `Runlane ${version}`, documentation: '/docs' });
  });
  return routes;
}

function addSite(routes: Router, page: string): void {
  const embedPage = readPage('embed.html') ?? '';
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
