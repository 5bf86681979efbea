/** A copy of the store that was made while jobs ran, put where nothing was: what had ended is as it was, and the rest ends, once. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { JobJson } from '@runlane/contract';
import { FACT_KINDS } from '@runlane/core';
import { skipWithout, until } from '@runlane/core/testing';
import { type Db, type Document, MongoClient } from 'mongodb';
import { type Door, restDoor } from './doors.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';
import { family, killIfAlive, pidOf, standaloneOf } from './processes.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** One program at a time, so that others wait; and what has to run out runs out soon. */
const ENV = { LANGUAGES: 'python', RUNNER_SLOTS: '1', LEASE_SECONDS: '2', RECONCILE_SECONDS: '1' };
const PICTURE = 'import os\nopen("out/picture.bin", "wb").write(bytes(range(256)) * 400)\nprint("drawn")';
const FAILS = 'print("before"); raise SystemExit(3)';
const LONG = 'import time\nprint("begun", flush=True)\ntime.sleep(6)\nprint("done")';
const FINAL = ['succeeded', 'failed'];

const jobOf = async ({ baseUrl }: Platform, id: string): Promise<JobJson> =>
  (await fetch(`${baseUrl}/v1/jobs/${id}`)).json() as Promise<JobJson>;
const fileOf = async ({ baseUrl }: Platform, id: string, path: string): Promise<Buffer> => {
  const response = await fetch(`${baseUrl}/v1/jobs/${id}/files/${path}`);
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
};
const isOver = async (door: Door, id: string) => FINAL.includes((await door.get(id)).status);
const ends = (door: Door, id: string) => until(`${id} ended`, () => isOver(door, id), 60_000);

/** Jobs in each state in which a backup may find one. */
async function makeJobs(platform: Platform) {
  const door = restDoor(platform);
  const ended = [await door.submit({ code: PICTURE }), await door.submit({ code: FAILS })];
  for (const id of ended) await ends(door, id);
  const running = await door.submit({ code: LONG, limits: { wallTimeMs: 20_000 } });
  await until('it runs', async () => (await door.get(running)).status === 'running', 30_000);
  const queued = await Promise.all([1, 2, 3].map((n) => door.submit({ code: `print(${n})` })));
  const before = await Promise.all(ended.map((id) => jobOf(platform, id)));
  return { ended, running, queued, before };
}

/** What the restored platform must make of them. */
async function assertCarriedOn(restored: Platform, jobs: Awaited<ReturnType<typeof makeJobs>>): Promise<void> {
  const { ended, running, queued, before } = jobs;
  const door = restDoor(restored);
  assert.deepEqual(await Promise.all(ended.map((id) => jobOf(restored, id))), before);
  assert.deepEqual(
    await fileOf(restored, ended[0] ?? '', 'picture.bin'),
    Buffer.concat(Array(400).fill(Buffer.from(Array.from({ length: 256 }, (_, n) => n)))),
  );
  for (const id of [running, ...queued]) await ends(door, id);
  const outputs = await Promise.all([running, ...queued].map(async (id) => (await door.get(id)).stdout.toString()));
  assert.deepEqual(outputs, ['begun\ndone\n', '1\n', '2\n', '3\n']);
  // A second end would be seen by now: nothing is in flight, and every delivery has been taken.
  const once = await Promise.all([running, ...queued].map((id) => jobOf(restored, id)));
  // What was accepted between the readings of two collections may be there in part, as after a crash: swept after a minute.
  await until('nothing waits', async () => (await unfinishedOf(restored)) === 0, 120_000);
  assert.deepEqual(await Promise.all([running, ...queued].map((id) => jobOf(restored, id))), once);
}

async function unfinishedOf({ baseUrl }: Platform): Promise<number> {
  const status = (await (await fetch(`${baseUrl}/admin/status`)).json()) as { unfinishedJobs: number };
  return status.unfinishedJobs;
}

/** Submits as fast as it is answered, until told to stop; the ids of what was accepted. */
function submitSteadily(door: Door) {
  let stopped = false;
  const ids: string[] = [];
  const done = (async () => {
    while (!stopped) ids.push(await door.submit({ code: 'print("steady")' }));
    return ids;
  })();
  return {
    ids,
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

describe('a backup of the embedded form', () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const backUp = (dataDir: string, target: string) =>
    run(process.execPath, [join(ROOT, 'services/standalone/dist/backup.js'), target], {
      env: { ...process.env, DATA_DIR: dataDir, MONGO_URL: '' },
    });

  test('made while it runs is restored by copying it: results are the same, the rest ends once', async () => {
    const [data, backup, fresh] = ['data', 'backup', 'fresh'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const platform = await startEmbedded(data, ENV);
    let jobs: Awaited<ReturnType<typeof makeJobs>>;
    let steady: string[];
    try {
      const load = submitSteadily(restDoor(platform));
      await until('it is under load', () => load.ids.length > 5);
      jobs = await makeJobs(platform);
      const { stdout } = await backUp(data, backup);
      assert.match(stdout, /is in .*backup: [1-9]\d* artifacts, \d+\.\d MiB in all/);
      steady = [...(await load.stop())];
    } finally {
      // As a disk that is lost: what happens here from now on is not in the copy.
      family(pidOf(standaloneOf(platform))).forEach(killIfAlive);
      platform.client.close();
    }
    await run('cp', ['-a', backup, fresh]);
    const restored = await startEmbedded(fresh, ENV);
    try {
      await assertCarriedOn(restored, jobs);
      const known = await Promise.all(
        steady.map(async (id) => (await fetch(`${restored.baseUrl}/v1/jobs/${id}`)).status),
      );
      // What was accepted before it is there, what came after is unknown, and nothing is in between.
      assert.deepEqual(known, known.toSorted());
      assert.equal(known[0], 200);
      assert.ok(known.every((status) => status === 200 || status === 404));
    } finally {
      await restored.stop();
    }
  });

  test('goes into an empty folder alone, and says what is wrong with another', async () => {
    const full = join(folder, 'full');
    await mkdir(full);
    await writeFile(join(full, 'letter'), 'Dear');
    await assert.rejects(backUp(folder, full), /Nothing is backed up: .*full is not empty/);
    await assert.rejects(backUp(join(folder, 'nowhere'), join(folder, 'other')), /Nothing is backed up: .*nowhere/);
  });

  test('is for its owner alone', async () => {
    const backup = join(folder, 'backup');
    for (const path of ['', 'store', 'artifacts']) assert.equal((await stat(join(backup, path))).mode & 0o077, 0, path);
  });
});

/** The collections in the order in which docs/backup.md has them read. */
async function documentedOrder(): Promise<string[]> {
  const page = await readFile(join(ROOT, 'docs/backup.md'), 'utf8');
  const [, list = ''] = /for collection in ([\w\s.\\]+); do/.exec(page) ?? [];
  return list.split(/[\s\\]+/).filter(Boolean);
}

/** What mongodump and mongorestore do: each collection by itself, one after the other, while others write. */
async function dump(
  from: Db,
  order: readonly string[],
  meanwhile: () => Promise<unknown>,
): Promise<Map<string, Document[]>> {
  const copied = new Map<string, Document[]>();
  for (const name of order) {
    copied.set(name, await from.collection(name).find().toArray());
    await meanwhile();
  }
  return copied;
}

async function restore(url: string, copied: Map<string, Document[]>): Promise<void> {
  const client = await MongoClient.connect(url);
  try {
    for (const [name, documents] of copied) {
      if (documents.length > 0) await client.db().collection(name).insertMany(documents);
    }
  } finally {
    await client.close();
  }
}

/** Jobs that a copy would leave without an end: nobody looks for them, and they have no result. */
function forgotten(copied: Map<string, Document[]>): string[] {
  const idsOf = (kind: string) => new Set((copied.get(kind) ?? []).map(({ _id }) => String(_id)));
  const [inflight, results] = [idsOf('inflight'), idsOf('results')];
  return [...idsOf('jobs')].filter((id) => !inflight.has(id) && !results.has(id));
}

describe('a backup of the distributed form', { skip: skipWithout('redis-server', 'mongo-wire') }, () => {
  test('made collection by collection in the documented order, while jobs come and end, loses none', async () => {
    const order = await documentedOrder();
    const kinds = order.filter((name) => !name.startsWith('artifacts.'));
    // Runners and workers tell of themselves again.
    assert.deepEqual(kinds.toSorted(), FACT_KINDS.filter((kind) => !['runners', 'workers'].includes(kind)).toSorted());

    const platform = await startDistributed({ env: ENV });
    let copied: Map<string, Document[]>;
    let jobs: Awaited<ReturnType<typeof makeJobs>>;
    const client = await MongoClient.connect(`${platform.mongo?.url}/runlane`);
    try {
      const door = restDoor(platform);
      jobs = await makeJobs(platform);
      copied = await dump(client.db(), order, () => door.submit({ code: 'print("between")' }));
      await ends(door, jobs.running);
      // And with jobs that end between two collections.
      const meanwhile = async () => ends(door, await door.submit({ code: 'print("between")' }));
      for (const id of jobs.queued) await ends(door, id);
      assert.deepEqual(forgotten(await dump(client.db(), order, meanwhile)), []);
      const others = order.toReversed();
      assert.notDeepEqual(
        forgotten(await dump(client.db(), others, meanwhile)),
        [],
        'control: the other way round loses some',
      );
    } finally {
      await client.close();
      await platform.stop();
    }
    assert.deepEqual(forgotten(copied), []);

    const restored = await startDistributed({ env: ENV, restore: (url) => restore(url, copied) });
    try {
      await assertCarriedOn(restored, jobs);
    } finally {
      await restored.stop();
    }
  });
});
