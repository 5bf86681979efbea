/** How a check says that a runner is not as the contract wants it: in one line, with what came and what should have. */
import { status } from '@grpc/grpc-js';

/** Most characters that a line quotes of what a program wrote. */
const QUOTED_CHARACTERS = 120;

export class CheckFailure extends Error {
  override readonly name = 'CheckFailure';
}

/** A call that the runner, or the connection to it, ended with an error. */
export class CallError extends Error {
  override readonly name = 'CallError';
  constructor(
    readonly method: string,
    readonly code: status,
    details: string,
  ) {
    super(`${method}: ${status[code]}${details ? ` (${details})` : ''}`);
  }
}

/** Nobody listens at the address (any more): nothing further can be found out. */
export class NobodyThere extends Error {
  override readonly name = 'NobodyThere';
  constructor(target: string, cause: CallError) {
    const [, why = cause.message] = /Last error: Error: (.+?)\.? Resolution note/.exec(cause.message) ?? [];
    super(`no runner answers at ${target} (${why}): start it there, or give another --target`, { cause });
  }
}

/** What the gRPC library says of an address where nothing can be connected to. */
export function isNobodyThere(error: unknown): error is CallError {
  const said = /No connection established|Name resolution failed|ECONNREFUSED/;
  return error instanceof CallError && error.code === status.UNAVAILABLE && said.test(error.message);
}

/** @throws CheckFailure unless it holds. */
export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new CheckFailure(otherwise);
}

/** @throws CheckFailure that quotes both, unless they are the same bytes. */
export function expectBytes(actual: Uint8Array, expected: string | Uint8Array, what: string): void {
  const wanted = Buffer.from(expected);
  if (wanted.equals(actual)) return;
  const differs = wanted.findIndex((byte, at) => byte !== actual[at]);
  const at = differs === -1 ? wanted.length : differs;
  const where = at < QUOTED_CHARACTERS / 2 ? '' : `, from byte ${at} on`;
  const from = where ? at : 0;
  throw new CheckFailure(
    `${what} is ${quote(actual.subarray(from))} (${actual.length} bytes) where ${quote(wanted.subarray(from))} ` +
      `(${wanted.length} bytes) must be${where}`,
  );
}

/** Bytes as a short text in quotes. */
export function quote(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 4 * QUOTED_CHARACTERS)).toString();
  return JSON.stringify(text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text);
}

/** @throws CheckFailure unless the call ends with this status. */
export async function expectRefusal(call: Promise<unknown>, code: status, what: string): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error !== undefined, `${what} was taken where ${status[code]} must be the answer`);
  if (!(error instanceof CallError)) throw error;
  expect(error.code === code, `${what} was answered by ${error.message} where ${status[code]} must be the answer`);
}
