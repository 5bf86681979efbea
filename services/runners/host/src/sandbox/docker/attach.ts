/** The one connection to a container: what its process 1 writes, cut out of the stream that the engine sends. */
import type { Duplex } from 'node:stream';

const HEADER_BYTES = 8;
const STDERR = 2;

export interface Piece {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

/**
 * The engine sends `u8 stream | 3 zeros | u32 length | bytes`. Read no faster than pieces are taken: that is the
 * back-pressure, which the client library's own way of doing this has not.
 */
export async function* readPieces(connection: Duplex): AsyncGenerator<Piece, void, undefined> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of connection) {
    held = held.length === 0 ? (chunk as Buffer) : Buffer.concat([held, chunk as Buffer]);
    while (held.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + held.readUInt32BE(4);
      if (held.length < end) break;
      yield { stream: held[0] === STDERR ? 'stderr' : 'stdout', data: held.subarray(HEADER_BYTES, end) };
      held = held.subarray(end);
    }
  }
}
