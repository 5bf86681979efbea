/** Which runner a slot is on, and how many one job may have. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { runner } from '@runlane/contract';
import { silentLog, until } from '@runlane/core/testing';
import { createRunnerPool, type RunnerPool, type Slot } from './runner-pool.js';
import { BEHAVIOURS, type FakeRunnerOptions, startFakeRunner } from './testing/fake-runner.js';
import { closeStages, opened } from './testing/stage.js';

afterEach(closeStages);

const START = runner.Start.fromPartial({ language: 'python', version: '3.11.2', artifactDigest: 'a'.repeat(64) });

async function runOn({ member }: Slot): Promise<void> {
  const run = await member.connection.execute(START, 5_000, soon());
  run.go();
  for await (const _ of run.events);
}

const soon = () => AbortSignal.timeout(5_000);

async function poolOf(...runners: readonly Omit<FakeRunnerOptions, 'behaviours'>[]): Promise<RunnerPool> {
  const started = await Promise.all(runners.map((each) => startFakeRunner({ behaviours: [BEHAVIOURS.runs], ...each })));
  const names = started.map(({ address }) => address);
  const pool = createRunnerPool({ names, onDescribed: () => undefined, log: silentLog });
  opened.push(...started.map(({ close }) => close), async () => pool.close());
  await until('all are connected', () => pool.slots().runners === runners.length);
  return pool;
}

test('a program with a terminal is given to a runner that has terminals, even while another has more room', async () => {
  const pool = await poolOf(
    { slots: 8, languages: [{ version: '3.11.2' }] },
    { slots: 1, languages: [{ version: '3.9.9' }, { version: '3.11.2', terminal: true }] },
  );
  const wanted = { language: 'python', version: '', terminal: true };
  assert.equal((await pool.find(wanted, soon()))?.language.terminal, true);
  const slot = await pool.acquire(wanted, soon());
  assert.deepEqual([slot?.language.version, slot?.member.description.slots], ['3.11.2', 1]);
  assert.equal(await pool.acquire(wanted, AbortSignal.timeout(300)), undefined, 'it waits for that runner');
  assert.equal((await pool.acquire({ language: 'python', version: '3.11.2' }, soon()))?.member.description.slots, 8);
});

test('while the only runner of a language is left alone, who waits for it gives up soon, and others are served', async () => {
  const broken = await startFakeRunner({ behaviours: [BEHAVIOURS.crashes], languages: [{ version: '3.11.2' }] });
  const sound = await startFakeRunner({ behaviours: [BEHAVIOURS.runs], languages: [{ name: 'c', version: '14.0.0' }] });
  const names = [broken.address, sound.address];
  const pool = createRunnerPool({ names, onDescribed: () => undefined, log: silentLog });
  opened.push(broken.close, sound.close, async () => pool.close());
  await until('both are connected', () => pool.slots().runners === 2);
  const python = { language: 'python', version: '' };
  for (let n = 0; n < 3; n += 1) {
    const slot = (await pool.acquire(python, soon())) as Slot;
    await assert.rejects(runOn(slot));
    slot.release();
  }
  assert.equal(await pool.acquire(python, AbortSignal.timeout(200)), undefined);
  assert.ok(await pool.acquire({ language: 'c', version: '' }, soon()));
  // And when its pause is over, it is tried with one run.
  assert.ok(await pool.acquire(python, soon()));
  assert.equal(await pool.acquire(python, AbortSignal.timeout(200)), undefined);
});

test('a run that is given up is no loss of its runner', async () => {
  const spinning = await startFakeRunner({ behaviours: [BEHAVIOURS.spins], languages: [{ version: '3.11.2' }] });
  const pool = createRunnerPool({ names: [spinning.address], onDescribed: () => undefined, log: silentLog });
  opened.push(spinning.close, async () => pool.close());
  const python = { language: 'python', version: '' };
  for (let n = 0; n < 4; n += 1) {
    const slot = (await pool.acquire(python, soon())) as Slot;
    const run = await slot.member.connection.execute(START, 5_000, soon());
    run.go();
    const events = run.events[Symbol.asyncIterator]();
    const first = events.next();
    run.cancel();
    await assert.rejects(first);
    slot.release();
  }
  assert.ok(await pool.acquire(python, soon()));
});

test('a spare slot that is changed for one of another language is still counted among the spare ones', async () => {
  const pool = await poolOf({ slots: 4, languages: [{ version: '3.11.2' }, { name: 'cpp', version: '14.0.0' }] });
  const python = { language: 'python', version: '' };
  const spares = [pool.spare(python), pool.spare(python)];
  assert.ok(spares.every(Boolean));
  assert.equal(pool.spare(python), undefined, 'at most half');
  spares[0]?.release();
  const changed = (await pool.acquire({ language: 'cpp', version: '' }, soon(), true)) as Slot;
  assert.equal(pool.spare(python), undefined, 'still at most half');
  changed.release();
  changed.release();
  const again = pool.spare(python);
  assert.ok(again);
  assert.equal(pool.spare(python), undefined);
});
