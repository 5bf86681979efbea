/** Built pages, and how they are sent. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Response } from 'express';

const require = createRequire(import.meta.url);
export const SITE = join(dirname(require.resolve('@runlane/playground/package.json')), 'dist/site');

export const ASK_EACH_TIME = 'no-cache';

/** Undefined where the pages are not built. */
export function readPage(name: string): string | undefined {
  const path = join(SITE, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** A page, with a policy of its own: nothing from elsewhere, no script in it, and styles only of those who were told the nonce. */
export function sendPage(response: Response, page: string): void {
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
