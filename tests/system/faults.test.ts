/** What is killed, stopped or repeated: whatever was accepted still ends, once, and nothing stays behind. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createClient } from '@runlane/client';
import { skipWithout, until } from '@runlane/core/testing';
import { Redis } from 'ioredis';
import { type Door, restDoor } from './doors.js';
import {
  type Platform,
  type Started,
  startDistributed,
  startEmbedded,
  stopProcess,
  temporaryFolder,
} from './platforms.js';
import { family, fieldOf, freePort, isAlive, killIfAlive, memberOf, pidOf, standaloneOf } from './processes.js';

/** Short times, so that what has to run out runs out soon. */
const IMPATIENT = { LEASE_SECONDS: '2', RECONCILE_SECONDS: '1' };
const SLOW = { code: 'import time\nprint("slow")\ntime.sleep(2)\nprint("done")' };

const notRoot = process.getuid?.() !== 0 && 'this test needs root';

async function linkTo(target: string): Promise<string> {
  await symlink(target, `${target}-link`);
  return `${target}-link`;
}

const runsUntil = (door: Door, id: string) =>
  until('the job runs', async () => (await door.get(id)).status === 'running', 30_000);

async function endOf(door: Door, id: string) {
  await until(
    'the job ended',
    async () => !['accepted', 'saving', 'queued', 'running'].includes((await door.get(id)).status),
    60_000,
  );
  return door.get(id);
}

describe('the embedded platform', () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('ends every accepted job after all its processes were killed', async () => {
    const first = await startEmbedded(folder, IMPATIENT);
    const door = restDoor(first);
    const running = await door.submit(SLOW);
    await runsUntil(door, running);
    const ids = [
      running,
      ...(await Promise.all(
        [1, 2, 3, 4, 5].map((n) => door.submit({ code: `print(${n})`, limits: { wallTimeMs: 5_000 } })),
      )),
    ];
    const pids = family(pidOf(standaloneOf(first)));
    pids.forEach(killIfAlive);
    await until('all are dead', () => !pids.some(isAlive));

    const second = await startEmbedded(folder, IMPATIENT);
    try {
      const ended = await Promise.all(ids.map((id) => endOf(restDoor(second), id)));
      assert.deepEqual(
        ended.map(({ status, stdout }) => [status, stdout.toString()]),
        [['succeeded', 'slow\ndone\n'], ...[1, 2, 3, 4, 5].map((n) => ['succeeded', `${n}\n`])],
      );
      assert.equal(ended[0]?.attempt, 2);
    } finally {
      await second.stop();
    }
  });

  for (const [what, words] of [
    ['command and worker', 'standalone/dist/platform.js'],
    ['the runner', 'runners/host/dist/main.js'],
    ['the jail', 'jail/launcher.py'],
  ] as const) {
    test(`starts ${what} again when it is killed, and its job still ends`, async () => {
      const ports = { HTTP_PORT: String(await freePort()), GRPC_PORT: String(await freePort()) };
      const platform = await startEmbedded(folder, { ...IMPATIENT, ...ports });
      try {
        const door = restDoor(platform);
        const id = await door.submit(SLOW);
        await runsUntil(door, id);
        process.kill(memberOf(platform, words), 'SIGKILL');
        await until(
          'it answers',
          () =>
            fetch(`${platform.baseUrl}/readyz`).then(
              ({ ok }) => ok,
              () => false,
            ),
          30_000,
        );
        const { status, stdout } = await endOf(door, id);
        assert.deepEqual([status, stdout.toString()], ['succeeded', 'slow\ndone\n']);
      } finally {
        await platform.stop();
      }
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`ends with exit code 0 on ${signal}, lets a running job end, and leaves no process behind`, async () => {
      const platform = await startEmbedded(folder, IMPATIENT);
      const id = await restDoor(platform).submit(SLOW);
      await runsUntil(restDoor(platform), id);
      const pids = family(pidOf(standaloneOf(platform)));
      assert.ok(pids.length >= 4);
      const started = standaloneOf(platform);
      started.process.kill(signal);
      assert.equal(await stopProcess(started), 0);
      platform.client.close();
      await until('nothing is left', () => !pids.some(isAlive), 5_000);

      const again = await startEmbedded(folder, IMPATIENT);
      const { status, attempt } = await restDoor(again).get(id);
      await again.stop();
      assert.deepEqual({ status, attempt }, { status: 'succeeded', attempt: 1 });
    });
  }

  test('started twice with one data folder, the second says so and ends', async () => {
    const platform = await startEmbedded(folder);
    try {
      await assert.rejects(startEmbedded(folder), /another Runlane uses/);
    } finally {
      await platform.stop();
    }
  });

  test('as root, only the launcher keeps its rights', { skip: notRoot }, async () => {
    const platform = await startEmbedded(folder);
    try {
      const uids = ['standalone/dist/platform.js', 'runners/host/dist/main.js'].map((words) => {
        const pid = memberOf(platform, words);
        assert.equal(fieldOf(pid, 'CapEff'), '0000000000000000', words);
        assert.equal(fieldOf(pid, 'NoNewPrivs'), '1', words);
        const [real, effective, saved] = fieldOf(pid, 'Uid').split(/\s+/).map(Number);
        assert.ok(real && real > 0 && real === effective && real === saved, words);
        return real;
      });
      assert.notEqual(uids[0], uids[1]);
    } finally {
      await platform.stop();
    }
  });

  test('as root, a link that lies where the lock should is not followed', { skip: notRoot }, async () => {
    const target = join(folder, '..', `${basename(folder)}-target`);
    const lock = join(folder, 'lock');
    await rm(lock, { force: true });
    await symlink(target, lock);
    try {
      await assert.rejects(startEmbedded(folder), /is a symbolic link/);
      assert.equal(existsSync(target), false);
    } finally {
      await rm(lock);
      await rm(target, { force: true });
    }
  });

  test("as root, a folder that holds something else is not made the platform's", { skip: notRoot }, async () => {
    const other = await temporaryFolder();
    try {
      await writeFile(join(other, 'letter'), 'Dear');
      const before = await stat(other);
      await assert.rejects(startEmbedded(other), /name another folder/);
      await assert.rejects(startEmbedded(await linkTo(other)), /not a link/);
      const { uid, gid, mode } = await stat(other);
      assert.deepEqual([uid, gid, mode], [before.uid, before.gid, before.mode]);
    } finally {
      await rm(other, { recursive: true });
      await rm(`${other}-link`, { force: true });
    }
  });
});

describe('the distributed platform', { skip: skipWithout('redis-server', 'mongo-wire') }, () => {
  test('ends a job on another worker when its worker is killed', async () => {
    const platform = await startDistributed({ env: IMPATIENT });
    try {
      const door = restDoor(platform);
      const id = await door.submit(SLOW);
      await runsUntil(door, id);
      const running = await workerThatStarted(platform);
      process.kill(pidOf(running), 'SIGKILL');
      const { status, stdout, attempt } = await endOf(door, id);
      assert.deepEqual([status, stdout.toString(), attempt], ['succeeded', 'slow\ndone\n', 2]);
    } finally {
      await platform.stop();
    }
  });

  test('lets a job end when its worker is told to stop', async () => {
    const platform = await startDistributed({ env: IMPATIENT });
    try {
      const door = restDoor(platform);
      const id = await door.submit(SLOW);
      await runsUntil(door, id);
      assert.equal(await stopProcess(await workerThatStarted(platform)), 0);
      const { status, attempt } = await door.get(id);
      assert.deepEqual({ status, attempt }, { status: 'succeeded', attempt: 1 });
    } finally {
      await platform.stop();
    }
  });

  test('ends every job although Redis was emptied', async () => {
    const platform = await startDistributed({ env: IMPATIENT });
    const redis = new Redis(platform.redis?.url ?? '');
    try {
      const door = restDoor(platform);
      // A client that tries again, as a store that has just been started may be slow to take so many.
      const client = createClient({ server: platform.baseUrl });
      const code = 'import time; time.sleep(0.3); print(1)';
      const jobs = await Promise.all(Array.from({ length: 20 }, () => client.submit({ code })));
      const ids = jobs.map(({ id }) => id);
      await redis.flushall();
      const ended = await Promise.all(ids.map((id) => endOf(door, id)));
      assert.ok(ended.every(({ status }) => status === 'succeeded'));
    } finally {
      redis.disconnect();
      await platform.stop();
    }
  });

  test('runs a job once that the queue delivers six times', async () => {
    assert.equal(await runsOfJobDeliveredSixTimes([]), 1);
  });

  test('control: without the claim step, that job runs more than once', async () => {
    const control = fileURLToPath(new URL('../../system/without-claims.mjs', import.meta.url));
    assert.ok((await runsOfJobDeliveredSixTimes(['--import', control])) > 1);
  });
});

async function runsOfJobDeliveredSixTimes(workerNodeArgs: readonly string[]): Promise<number> {
  const platform = await startDistributed({ workerNodeArgs });
  const redis = new Redis(platform.redis?.url ?? '');
  try {
    const door = restDoor(platform);
    const id = await door.submit(SLOW);
    await until('it was started', async () => (await runsStarted(platform)).some((runs) => runs > 0), 30_000);
    await redis.lpush('bull:code-exec:wait', id, id, id, id, id);
    await until('all deliveries were taken', async () => (await redis.llen('bull:code-exec:wait')) === 0, 30_000);
    await endOf(door, id);
    return (await runsStarted(platform)).reduce((sum, runs) => sum + runs, 0);
  } finally {
    redis.disconnect();
    await platform.stop();
  }
}

/** Runs that each worker has started, by its metrics; 0 for one that is gone. */
function runsStarted({ workerUrls }: Platform): Promise<number[]> {
  return Promise.all(
    workerUrls.map(async (url) => {
      const text = await fetch(`${url}/metrics`).then(
        (response) => response.text(),
        () => '',
      );
      return Number(/^runlane_runs_started_total\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
    }),
  );
}

async function workerThatStarted(platform: Platform): Promise<Started> {
  await until('a worker has started it', async () => (await runsStarted(platform)).some((runs) => runs > 0), 30_000);
  const index = (await runsStarted(platform)).findIndex((runs) => runs > 0);
  const worker = platform.processes[`worker${index + 1}`];
  assert.ok(worker);
  return worker;
}
