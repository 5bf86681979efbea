/** How a run went, put together from what the runner said, in the order that the contract wants. */
import { runner } from '@runlane/contract';
import type { Arrival, Conversation, Response } from './conversation.js';
import { expect, quote } from './failure.js';

const MAX_OUTPUT_BYTES = 32 * 1024;
const MAX_CHUNK_BYTES = 64 * 1024;

/** The kinds of message in the order in which they come; the middle two may be missing, or come several times. */
const ORDER: readonly Response['$case'][] = ['admitted', 'started', 'output', 'file', 'exited'];
const ONCE: readonly Response['$case'][] = ['admitted', 'started', 'exited'];

export interface Outcome {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Files from the folder "out", by path. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly exited: runner.Exited;
  /** When the runner said that the program started, and that it ended: on the clock of `performance.now()`. */
  readonly startedAtMs: number;
  readonly exitedAtMs: number;
}

/** @throws CheckFailure when the runner did not keep to the contract; CallError when it gave up. */
export async function outcomeOf(conversation: Conversation): Promise<Outcome> {
  await conversation.ended;
  const { arrivals } = conversation;
  checkOrder(arrivals);
  const files = new Map<string, Buffer>();
  const written = { [runner.Stream.STDOUT]: [] as Buffer[], [runner.Stream.STDERR]: [] as Buffer[] };
  for (const { message } of arrivals) {
    if (message?.$case === 'output') {
      const { stream, data } = message.value;
      expect(data.length <= MAX_OUTPUT_BYTES, `one message of output has ${data.length} bytes`);
      expect(stream !== runner.Stream.UNSPECIFIED, 'output came without the name of its stream');
      written[stream].push(data);
    } else if (message?.$case === 'file') {
      const { path, chunk } = message.value;
      expect(chunk.length <= MAX_CHUNK_BYTES, `one message of a file has ${chunk.length} bytes`);
      files.set(path, Buffer.concat([files.get(path) ?? Buffer.alloc(0), chunk]));
    }
  }
  const exited = await conversation.first('exited');
  expect(exited.message?.$case === 'exited', 'no exited');
  return {
    stdout: Buffer.concat(written[runner.Stream.STDOUT]),
    stderr: Buffer.concat(written[runner.Stream.STDERR]),
    files,
    exited: exited.message.value,
    startedAtMs: (await conversation.first('started')).atMs,
    exitedAtMs: exited.atMs,
  };
}

function checkOrder(arrivals: readonly Arrival[]): void {
  const kinds = arrivals.map(({ message }) => message?.$case);
  const said = kinds.filter((kind, at) => kind !== kinds[at - 1]).join(', ');
  for (const kind of ONCE) {
    const times = kinds.filter((one) => one === kind).length;
    expect(times === 1, `${kind} came ${times} times: ${said}`);
  }
  const places = kinds.map((kind) => (kind ? ORDER.indexOf(kind) : -1));
  expect(!places.includes(-1), `the runner said something unknown: ${said}`);
  expect(
    places.every((place, at) => place >= (places[at - 1] ?? 0)),
    `the messages came out of order: ${said}`,
  );
}

/** @throws CheckFailure unless the program ended by itself with this exit code. */
export function expectExit(outcome: Outcome, code: number): void {
  const { exited, stderr } = outcome;
  const asWanted = exited.reason === runner.EndReason.EXITED && exited.exitCode === code && exited.signal === undefined;
  const said = stderr.length > 0 ? `; stderr: ${quote(stderr)}` : '';
  expect(asWanted, `the program ended with ${endOf(exited)} where exit code ${code} must be${said}`);
}

/** How it ended, in a few words. */
export function endOf({ reason, exitCode, signal }: runner.Exited): string {
  const how = [exitCode !== undefined && `exit code ${exitCode}`, signal !== undefined && `signal ${signal}`];
  return [runner.EndReason[reason] ?? `reason ${reason}`, ...how.filter(Boolean)].join(', ');
}
