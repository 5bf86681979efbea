/**
 * A file that a program left, over HTTP. Whoever wrote the program chose its name and its bytes, so a browser must never take
 * it for a page of this server: it is a download, and what is shown in place can run nothing.
 */
import type { ProducedFile } from '@runlane/core';
import type { Request, Response } from 'express';
import type { Files } from '../files.js';

/** Pictures without scripts in them; SVG is not among them. */
const SHOWN_IN_PLACE = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

export async function sendFile(request: Request, response: Response, file: ProducedFile, files: Files): Promise<void> {
  // Set only with the answer they are for: a problem document is none of it.
  const caching = { ETag: `"${file.sha256}"`, 'Cache-Control': 'private, max-age=31536000, immutable' };
  if (isHad(request.get('If-None-Match'), caching.ETag)) {
    response.set(caching).status(304).end();
    return;
  }
  function begin(): void {
    response.set(caching);
    // Not by `set`, which would add to the type.
    response.setHeader('Content-Type', file.contentType);
    response.set({
      'Content-Length': String(file.sizeBytes),
      'Content-Disposition': dispositionOf(file),
      'Content-Security-Policy': "sandbox; default-src 'none'",
      'X-Content-Type-Options': 'nosniff',
    });
  }
  if (request.method !== 'HEAD') {
    for await (const piece of files.read(file)) {
      if (response.destroyed) return;
      // Only now: until the first piece is here, there may be a problem to tell instead.
      if (!response.headersSent) begin();
      if (!response.write(piece)) await drained(response, files.takeWithinMs);
    }
  }
  if (!response.headersSent) begin();
  response.end();
}

/** Wait until what was written is taken; a client that takes too long for it is hung up on. */
function drained(response: Response, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const slow = setTimeout(() => {
      response.destroy();
      done();
    }, withinMs);
    function done(): void {
      clearTimeout(slow);
      response.off('drain', done).off('close', done);
      resolve();
    }
    response.on('drain', done).on('close', done);
  });
}

/** Whether If-None-Match (RFC 9110, section 13.1.2) lists this tag, weakly or not. */
function isHad(asked: string | undefined, tag: string): boolean {
  const listed = asked?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? [];
  return listed.includes(tag) || listed.includes('*');
}

/** RFC 6266, with the name as RFC 8187 writes it: quotes, line breaks and any script are only percent signs there. */
function dispositionOf({ path, contentType }: ProducedFile): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const written = encodeURIComponent(name).replace(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`);
  return `${SHOWN_IN_PLACE.has(contentType) ? 'inline' : 'attachment'}; filename*=UTF-8''${written}`;
}
