/** What others wrote, such as names of files and reasons of a server, as a terminal can be shown it: as text, never as an order to it. */

/** Control characters, but for line breaks and tabs; those of C1 too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export function printable(text: string): string {
  return text.replace(CONTROLS, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
