/** Text that a model can take: what is too long keeps its head, which says what it is, and its tail, which says how it ended. */

/** @param most characters that are kept; what is said of the rest comes on top. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  const head = text.slice(0, startOfCharacter(text, half));
  const tail = text.slice(startOfCharacter(text, text.length - half));
  const leftOut = text.length - head.length - tail.length;
  return `${head}\n[… ${leftOut.toLocaleString('en')} characters are left out here …]\n${tail}`;
}

/** Half of a surrogate pair would be no Unicode. */
function startOfCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at;
}
