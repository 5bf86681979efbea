/** What the server tells as text, as the bytes that it stands for. */
export function toBytes(text: string, encoding: 'base64' | undefined): Uint8Array<ArrayBuffer> {
  if (encoding === undefined) return new TextEncoder().encode(text);
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** The same as a text to read; what is not UTF-8 in it is shown as U+FFFD. */
export function toText(text: string, encoding: 'base64' | undefined): string {
  return encoding === undefined ? text : new TextDecoder().decode(toBytes(text, encoding));
}
