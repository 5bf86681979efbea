/** A runner runs as many programs at once as it says, and not one more. */
import { status } from '@grpc/grpc-js';
import type { LanguageCheck, LanguageSubject } from '../check.js';
import type { Conversation } from '../conversation.js';
import { expect, expectBytes, expectRefusal } from '../failure.js';
import { freeSlots, slotsComeBack } from '../free-slots.js';
import { expectExit, outcomeOf } from '../outcome.js';

/** What runner.proto gives a caller to say go. */
const GO_WITHIN_MS = 5_000;
const NOT_BEFORE_MS = GO_WITHIN_MS - 1_000;
const NOT_AFTER_MS = GO_WITHIN_MS + 5_000;
const BACK_WITHIN_MS = 2_000;

/** Programs that wait for input hold the slots: until each is told a word of its own, all of them are there at once. */
export const allSlots: LanguageCheck = {
  name: 'all slots',
  needs: ['stdin'],
  async run(subject) {
    const { client, slots } = subject;
    await slotsComeBack(client, slots, BACK_WITHIN_MS);
    const running = await Promise.all(
      Array.from({ length: slots }, () => subject.begin('stdin', { keepStdinOpen: true })),
    );
    const free = await freeSlots(client);
    expect(free === 0, `free_slots is ${free} while ${slots} programs run in ${slots} slots`);
    await onePastThem(subject);
    await Promise.all(running.map(answersItsOwn));
    await slotsComeBack(client, slots, BACK_WITHIN_MS);
  },
};

async function onePastThem({ execute, prepare, start, slots }: LanguageSubject): Promise<void> {
  const conversation = execute();
  conversation.send({ $case: 'start', value: start(await prepare('stdin')) });
  const what = `a run past ${slots} slots`;
  await expectRefusal(conversation.first('admitted'), status.RESOURCE_EXHAUSTED, what);
  expect(conversation.arrivals.length === 0, `${what} was answered before it was refused`);
}

async function answersItsOwn(conversation: Conversation, index: number): Promise<void> {
  const word = Buffer.from(`word of program ${index}\n`);
  conversation.send({ $case: 'stdin', value: word });
  conversation.send({ $case: 'closeStdin', value: {} });
  const outcome = await outcomeOf(conversation);
  expectExit(outcome, 0);
  expectBytes(outcome.stdout, word, `stdout of program ${index} of those that ran at once`);
}

export const noGo: LanguageCheck = {
  name: 'no go',
  needs: ['hello'],
  async run({ client, admit, note }) {
    const before = await freeSlots(client);
    const conversation = await admit('hello');
    const during = await freeSlots(client);
    expect(during === before - 1, `free_slots is ${during} while a run waits for go, and was ${before} before`);
    const took = await slotsComeBack(client, before, NOT_AFTER_MS);
    expect(took >= NOT_BEFORE_MS, `the slot was free after ${took} ms, and go may take ${GO_WITHIN_MS} ms`);
    // With which status is the runner's affair.
    await conversation.ended.catch(() => undefined);
    expect(conversation.arrivals.length === 1, 'the program was started without go');
    note(`slot free after ${took} ms`);
  },
};
