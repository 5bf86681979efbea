/** Nothing survives a run, however it was left: every slot is free again, and a fresh run works. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LanguageCheck, LanguageSubject } from '../check.js';
import { slotsComeBack } from '../free-slots.js';
import { outcomeOf } from '../outcome.js';
import { connectRunner } from '../runner-client.js';
import { openTunnel } from '../tunnel.js';
import { helloRuns } from './hello.js';

const BACK_WITHIN_MS = 2_000;
const UNDER_WAY_MS = 200;
const CALL_TIMEOUT_MS = 30_000;

async function allIsWell(subject: LanguageSubject): Promise<void> {
  await slotsComeBack(subject.client, subject.slots, BACK_WITHIN_MS);
  await helloRuns(subject);
}

export const afterCancel: LanguageCheck = {
  name: 'after cancel',
  needs: ['spin', 'hello'],
  async run(subject) {
    const conversation = await subject.begin('spin');
    await sleep(UNDER_WAY_MS);
    conversation.cancel();
    await allIsWell(subject);
  },
};

export const afterExit: LanguageCheck = {
  name: 'after exit',
  needs: ['exit', 'hello'],
  async run(subject) {
    await subject.run('exit');
    await allIsWell(subject);
  },
};

/** A worker that dies says nothing: its connection is gone, in the middle of a run. */
export const afterLoss: LanguageCheck = {
  name: 'after a loss',
  needs: ['spin', 'hello'],
  async run(subject) {
    const tunnel = await openTunnel(subject.runner.target);
    const worker = connectRunner(subject.runner, CALL_TIMEOUT_MS, tunnel.address);
    try {
      const conversation = worker.execute();
      conversation.send({ $case: 'start', value: subject.start(await subject.prepare('spin')) });
      await conversation.first('admitted');
      conversation.go();
      await conversation.first('started');
      await sleep(UNDER_WAY_MS);
      tunnel.cut();
      await outcomeOf(conversation).catch(() => undefined);
      await allIsWell(subject);
    } finally {
      worker.close();
      tunnel.cut();
    }
  },
};
