/**
 * A program as the fragment of a link, and back. The fragment stays in the browser: no server sees it. What comes in by a link
 * was made by anybody, so every part of it is checked, and it is never run by itself.
 */
import { type Program, type SourceFile, TALKS, type Talk } from './program.js';

const PREFIX = '#p=1.';
/** Of the program as JSON: more than the server would take, and less than what would fill a browser. */
const MAX_BYTES = 3 * 1024 * 1024;
const MAX_FILES = 64;

/** A link whose fragment is no program of ours. Its message is for whoever opened it. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

/** Keys are short: links are long. */
interface Packed {
  readonly l: string;
  readonly v?: string;
  readonly f: readonly (readonly [path: string, content: string])[];
  readonly e?: string;
  readonly i?: string;
  readonly a?: string;
  readonly t?: Talk;
  readonly w?: number;
  readonly m?: number;
}

export async function toFragment(program: Program): Promise<string> {
  const json = new TextEncoder().encode(JSON.stringify(pack(program)));
  return PREFIX + toBase64Url(await collect(json, new CompressionStream('deflate-raw'), Number.POSITIVE_INFINITY));
}

/** The program in a fragment; undefined when there is none. @throws LinkError */
export async function fromFragment(fragment: string): Promise<Program | undefined> {
  if (fragment.length <= 1) return undefined;
  if (!fragment.startsWith('#p=')) return undefined;
  if (!fragment.startsWith(PREFIX)) throw new LinkError('This link was made by a newer version of the playground.');
  const packed = parse(await inflate(fragment.slice(PREFIX.length)));
  return unpack(packed);
}

function pack({ language, version, files, entry, stdin, args, talk, timeLimit, memoryLimit }: Program): Packed {
  return {
    l: language,
    ...(version && { v: version }),
    f: files.map(({ path, content }) => [path, content]),
    ...(entry !== files[0]?.path && { e: entry }),
    ...(stdin && { i: stdin }),
    ...(args && { a: args }),
    ...(talk !== 'before' && { t: talk }),
    ...(timeLimit !== undefined && { w: timeLimit }),
    ...(memoryLimit !== undefined && { m: memoryLimit }),
  };
}

async function inflate(text: string): Promise<string> {
  try {
    const bytes = await collect(fromBase64Url(text), new DecompressionStream('deflate-raw'), MAX_BYTES);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw new LinkError('This link is damaged: perhaps its end is missing.');
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new LinkError('This link is damaged: what it holds is no program.');
  }
}

function unpack(value: unknown): Program {
  const packed = record(value);
  const files = filesOf(packed.f);
  const first = files[0]?.path ?? '';
  const entry = text(packed.e, first);
  return {
    language: text(packed.l),
    version: text(packed.v, ''),
    files,
    entry: files.some(({ path }) => path === entry) ? entry : first,
    stdin: text(packed.i, ''),
    args: text(packed.a, ''),
    talk: TALKS.find((talk) => talk === packed.t) ?? 'before',
    timeLimit: positive(packed.w),
    memoryLimit: positive(packed.m),
  };
}

function filesOf(value: unknown): SourceFile[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_FILES) throw noProgram();
  return value.map((pair: unknown) => {
    if (!Array.isArray(pair)) throw noProgram();
    return { path: text(pair[0]), content: text(pair[1]) };
  });
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw noProgram();
  return value as Record<string, unknown>;
}

function text(value: unknown, fallback?: string): string {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value !== 'string') throw noProgram();
  return value;
}

const positive = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;

const noProgram = () => new LinkError('This link is damaged: what it holds is no program.');

/** All that comes out of a transformation. @throws LinkError when that is more than `maxBytes`: a small link can hold very much. */
async function collect(
  bytes: Uint8Array<ArrayBuffer>,
  through: CompressionStream | DecompressionStream,
  maxBytes: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(through).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > maxBytes) {
      reader.cancel().catch(() => undefined);
      throw new LinkError('This link holds more than a program can be.');
    }
    pieces.push(value);
  }
  const all = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = '';
  // In slices: a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8_192) binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
