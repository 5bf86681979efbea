/** What goes over a run's connection, as in `jail/frames.py`: `u32 length | u8 type | payload`, big-endian. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export const TO_JAIL = {
  RUN: 1,
  FILE: 2,
  START: 3,
  STDIN: 4,
  STDIN_EOF: 5,
  SIGNAL: 6,
  KILL: 7,
  DESCRIBE: 8,
  PRELUDE: 9,
  RESIZE: 10,
} as const;
export const FROM_JAIL = {
  READY: 65,
  STARTED: 66,
  STDOUT: 67,
  STDERR: 68,
  EXIT: 69,
  ERROR: 70,
  DESCRIPTION: 71,
  PRODUCED: 72,
  MISSING: 73,
} as const;

const HEADER_BYTES = 5;

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

export function frame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
  header.writeUInt8(type, 4);
  return Buffer.concat([header, ...parts]);
}

/** Texts, each ended by a NUL: what no word of a program can hold. */
export function wordsFrame(type: number, words: readonly (string | number)[]): Buffer {
  return frame(type, Buffer.from(words.map((word) => `${word}\0`).join('')));
}

export function wordsOf(payload: Buffer): string[] {
  return payload.toString().split('\0').slice(0, -1);
}

/** Part of a file that a program left. */
export function readProduced(payload: Buffer): { path: string; executable: boolean; data: Buffer } {
  const end = 2 + payload.readUInt16BE();
  return {
    path: payload.toString('utf8', 2, end),
    executable: payload.readUInt8(end) === 1,
    data: payload.subarray(end + 1),
  };
}

/** What comes before the bytes of a file. */
export function fileHeader(path: string, sizeBytes: number, executable: boolean): Buffer {
  const name = Buffer.from(path);
  const header = Buffer.alloc(HEADER_BYTES + 2);
  header.writeUInt32BE(2 + name.length + 1 + sizeBytes);
  header.writeUInt8(TO_JAIL.FILE, 4);
  header.writeUInt16BE(name.length, HEADER_BYTES);
  return Buffer.concat([header, name, Buffer.from([executable ? 1 : 0])]);
}

/** Cuts chunks of a stream into frames; what is incomplete waits for the next chunk. */
export function createFrameReader(): (chunk: Buffer) => Frame[] {
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const frames: Frame[] = [];
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE();
      if (rest.length < end) break;
      frames.push({ type: rest.readUInt8(4), payload: rest.subarray(HEADER_BYTES, end) });
      rest = rest.subarray(end);
    }
    held = rest;
    return frames;
  };
}

/** Resolves when the other end has taken what waits for it, or is gone. */
export async function drained(stream: Writable): Promise<void> {
  const enough = new AbortController();
  const { signal } = enough;
  await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]).catch(() => {});
  enough.abort();
}
