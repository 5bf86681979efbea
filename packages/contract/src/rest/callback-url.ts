/** What an address to call must look like, wherever it is; which of them a server calls is its own to say. */

export const MAX_CALLBACK_URL_BYTES = 2_048;

/** What is wrong with it; undefined when nothing is. */
export function callbackUrlProblem(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_CALLBACK_URL_BYTES) return `must be at most ${MAX_CALLBACK_URL_BYTES} bytes`;
  // A parser drops some of these wherever they are, and then two readers see two addresses.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x20\x7f\\]/.test(text)) return 'must not contain blanks, control characters or "\\"';
  if (!URL.canParse(text)) return 'must be an absolute address, such as https://example.org/hooks/runlane';
  const { protocol, username, password, hash } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:')
    return 'must begin with https:// (or http://, where that is allowed)';
  if (username !== '' || password !== '' || hasCredentials(text)) return 'must not contain a user name or password';
  if (hash !== '' || text.includes('#')) return 'must not have a fragment ("#")';
  return undefined;
}

/** Empty ones, as in `https://:@host`, are gone once parsed. */
function hasCredentials(text: string): boolean {
  const [authority = ''] = text.slice(text.indexOf('//') + 2).split(/[/?]/);
  return authority.includes('@');
}
