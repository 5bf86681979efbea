/** Which runner a slot is on, and how many one job may have. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { silentLog, until } from '@runlane/core/testing';
import { createRunnerPool, type RunnerPool, type Slot } from './runner-pool.js';
import { BEHAVIOURS, type FakeRunnerOptions, startFakeRunner } from './testing/fake-runner.js';
import { closeStages, opened } from './testing/stage.js';

afterEach(closeStages);

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
