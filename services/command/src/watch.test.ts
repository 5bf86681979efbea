/** What a watcher is told when the feed is whole, when it lost something, and when it is gone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ANONYMOUS, type FeedEvent, type Job } from '@runlane/core';
import { aJob, aResult } from '@runlane/core/testing';
import { createJobs } from './jobs.js';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';
import { createWatch, type Watch } from './watch.js';

let doors: TestDoors;
let watch: Watch;
before(async () => {
  doors = await openTestDoors();
  const { store, feed, openQueue } = doors.ports;
  watch = createWatch({ jobs: createJobs({ store, feed, queue: openQueue.queue }), store, feed });
});
after(() => doors.close());

async function acceptedJob(): Promise<Job> {
  const job = aJob();
  await doors.ports.store.insert(job);
  return job;
}

const stdout = (id: string, text: string): FeedEvent => ({ id, type: 'stdout', data: Buffer.from(text) });

async function append(job: Job, ...events: FeedEvent[]): Promise<void> {
  for (const event of events) assert.equal(await doors.ports.feed.append(job.id, event), true);
}

/** What a watcher gets up to the result, in short. */
async function told(job: Job, after?: string): Promise<string[]> {
  const short: string[] = [];
  for await (const event of watch.watch(ANONYMOUS, job.id, after, new AbortController().signal)) {
    if (event.type === 'stdout') short.push(`stdout ${event.data.toString()}`);
    else short.push(event.type === 'status' ? event.status : event.type);
  }
  return short;
}

test('everything is told in order, and the result last', async () => {
  const job = await acceptedJob();
  const telling = told(job);
  await append(job, { id: '1-1', type: 'status', status: 'running' }, stdout('1-2', 'a'), stdout('1-3', 'b'));
  await doors.ports.store.finish(job.id, 1, aResult());
  await append(job, { id: '1-4', type: 'end' });
  assert.deepEqual(await telling, ['accepted', 'running', 'stdout a', 'stdout b', 'result']);
});

test('an event that the feed lost is told as a gap', async () => {
  const job = await acceptedJob();
  const telling = told(job);
  await append(job, { id: '1-1', type: 'status', status: 'running' }, stdout('1-3', 'b'));
  await doors.ports.store.finish(job.id, 1, aResult());
  await append(job, { id: '1-4', type: 'end' });
  assert.deepEqual(await telling, ['accepted', 'running', 'gap', 'stdout b', 'result']);
});

test('a new attempt begins with its status, and is no gap', async () => {
  const job = await acceptedJob();
  const telling = told(job);
  await append(job, { id: '1-1', type: 'status', status: 'running' }, stdout('1-2', 'half'));
  await append(job, { id: '2-1', type: 'status', status: 'running' }, stdout('2-2', 'whole'));
  await doors.ports.store.finish(job.id, 2, aResult());
  await append(job, { id: '2-3', type: 'end' });
  assert.deepEqual(await telling, ['accepted', 'running', 'stdout half', 'running', 'stdout whole', 'result']);
});

test('a feed that fell silent does not keep the result back', async () => {
  const job = await acceptedJob();
  const telling = told(job);
  await append(job, { id: '1-1', type: 'status', status: 'running' });
  await doors.ports.store.finish(job.id, 1, aResult());
  assert.deepEqual(await telling, ['accepted', 'running', 'gap', 'result']);
});

test('who comes back after an event that is gone is told of the gap', async () => {
  const job = await acceptedJob();
  await append(job, { id: '2-1', type: 'status', status: 'running' });
  const events = watch.watch(ANONYMOUS, job.id, '1-7', new AbortController().signal);
  assert.equal((await events.next()).value?.type, 'gap');
  assert.equal((await events.next()).value?.type, 'status');
  await doors.ports.store.finish(job.id, 2, aResult());
  await append(job, { id: '2-2', type: 'end' });
  assert.equal((await events.next()).value?.type, 'result');
  assert.equal((await events.next()).done, true);
});

test('a watcher that leaves ends its stream, and the job goes on', async () => {
  const job = await acceptedJob();
  const leaving = new AbortController();
  const events = watch.watch(ANONYMOUS, job.id, undefined, leaving.signal);
  assert.equal((await events.next()).value?.type, 'status');
  const next = events.next();
  leaving.abort();
  assert.equal((await next).done, true);
  assert.equal((await doors.ports.store.get(job.id))?.status, 'accepted');
});

test('waiting ends at its time with the job as it is then', async () => {
  const job = await acceptedJob();
  const view = await watch.wait(ANONYMOUS, job.id, 100, new AbortController().signal);
  assert.equal(view.status, 'accepted');
});
