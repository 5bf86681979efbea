/**
 * Documents as stores can keep them. Some of their keys are made by users (names of environment variables, metadata), and
 * not every store takes each key: those with dots, dollar signs or NUL, the empty one and `__proto__` (which MessagePack's
 * reader renames) are written in another way.
 */

/** What cannot stand in a key, and "%", which marks it. */
const UNSAFE = /[%.$\0]|^_(?=_proto__$)/g;
const EMPTY_KEY = '%';

export function toStored(value: unknown): unknown {
  return mapKeys(value, (key) => (key === '' ? EMPTY_KEY : key.replace(UNSAFE, escapeCharacter)));
}

export function fromStored(value: unknown): unknown {
  return mapKeys(value, (key) => (key === EMPTY_KEY ? '' : key.replace(/%(..)/g, unescapeCharacter)));
}

function mapKeys(value: unknown, map: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapKeys(item, map));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  // fromEntries makes "__proto__" a key like any other.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [map(key), mapKeys(item, map)]),
  );
}

function escapeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function unescapeCharacter(_: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}
