/** What pages of `EMBED_ORIGINS` may ask for: to run a program, follow it and cancel it. Not what others have run. */
const ALLOWED: readonly (readonly [method: string, path: RegExp])[] = [
  ['POST', /^\/v1\/jobs$/],
  ['GET', /^\/v1\/jobs\/[^/]+$/],
  ['GET', /^\/v1\/jobs\/[^/]+\/events$/],
  ['POST', /^\/v1\/jobs\/[^/]+\/cancel$/],
];

export function isForEmbedding(method: string, path: string): boolean {
  return ALLOWED.some(([allowed, pattern]) => method === allowed && pattern.test(path));
}
