/** Standard input, in each of the ways in which it comes. */
import type { LanguageCheck, LanguageSubject } from '../check.js';
import type { Conversation } from '../conversation.js';
import { expectBytes } from '../failure.js';
import { expectExit, type Outcome, outcomeOf } from '../outcome.js';
import { timeEnough } from './time-enough.js';

const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

export const stdinAtOnce: LanguageCheck = {
  name: 'stdin at once',
  needs: ['stdin'],
  async run({ run }) {
    const input = 'one line\nand half of another';
    expectCopied(await run('stdin', { stdin: Buffer.from(input) }), Buffer.from(input));
  },
};

export const stdinEmpty: LanguageCheck = {
  name: 'stdin empty',
  needs: ['stdin'],
  async run({ run }) {
    expectCopied(await run('stdin'), Buffer.alloc(0));
  },
};

export const stdinInPieces: LanguageCheck = {
  name: 'stdin in pieces',
  needs: ['stdin'],
  async run({ begin }) {
    const conversation = await begin('stdin', { stdin: Buffer.from('one '), keepStdinOpen: true });
    const outcome = outcomeOf(conversation);
    for (const piece of ['two ', 'three\n']) conversation.send({ $case: 'stdin', value: Buffer.from(piece) });
    conversation.send({ $case: 'closeStdin', value: {} });
    expectCopied(await outcome, Buffer.from('one two three\n'));
  },
};

/** Half of it with the start and half in pieces: more than any pipe or buffer holds, and every value of a byte. */
export const stdinLarge: LanguageCheck = {
  name: 'stdin 1 MiB',
  needs: ['stdin'],
  async run(subject) {
    const input = everyByte(Math.min(MIB, subject.language.maximumLimits?.outputBytes ?? MIB));
    const half = input.length / 2;
    const conversation = await subject.begin('stdin', {
      stdin: input.subarray(0, half),
      keepStdinOpen: true,
      limits: { ...timeEnough(subject.language), outputBytes: input.length },
    });
    const outcome = outcomeOf(conversation);
    sendInPieces(conversation, input.subarray(half));
    expectCopied(await outcome, input);
    noteWhenLess(subject, input.length);
  },
};

function noteWhenLess({ note }: LanguageSubject, bytes: number): void {
  if (bytes < MIB) note(`${bytes} bytes: the runner lets no program write more`);
}

function sendInPieces(conversation: Conversation, input: Buffer): void {
  for (let at = 0; at < input.length; at += PIECE_BYTES) {
    conversation.send({ $case: 'stdin', value: input.subarray(at, at + PIECE_BYTES) });
  }
  conversation.send({ $case: 'closeStdin', value: {} });
}

/** Bytes of every value, in an order that repeats only after a length that no buffer has. */
export function everyByte(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 7 + Math.floor(at / 251)) % 256));
}

function expectCopied(outcome: Outcome, input: Buffer): void {
  expectExit(outcome, 0);
  expectBytes(outcome.stdout, input, 'stdout');
}
