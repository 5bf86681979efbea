/** Interactive programs, through both doors, on both forms of the platform; and what becomes of them when a part is lost. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { skipWithout, until } from '@runlane/core/testing';
import { grpcDoor, type Refused, restDoor } from './doors.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';
import {
  attachWebSocket,
  type InteractiveProgram,
  overGrpc,
  overWebSocket,
  type Session,
  type SessionDoor,
} from './sessions.js';

const TERMINAL = { terminal: { rows: 24, columns: 80 } };
const PIPES = {};
const UNHURRIED = { wallTimeMs: 60_000 };
const IMPATIENT = { LEASE_SECONDS: '2', RECONCILE_SECONDS: '1' };
const WAITS = [
  'import signal, sys, time',
  'print("up", flush=True)',
  'try:',
  '  while True: time.sleep(0.01)',
  'except KeyboardInterrupt: print("interrupted")',
].join('\n');

const FORMS = [
  { name: 'embedded', skip: false as const },
  { name: 'distributed', skip: skipWithout('redis-server', 'mongo-wire') },
] as const;

/** Whether a process has this word on its command line. */
function isRunning(word: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(word);
      } catch {
        return false;
      }
    });
}

const statusOf = async (platform: Platform, { id }: { readonly id: string }) =>
  (await restDoor(platform).get(id)).status;

for (const { name, skip } of FORMS) {
  describe(`the ${name} platform`, { skip }, () => {
    let platform: Platform;
    let folder: string;
    before(async () => {
      folder = await temporaryFolder();
      platform = await (name === 'embedded' ? startEmbedded(folder) : startDistributed());
    });
    after(async () => {
      await platform?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    for (const [via, attach] of [
      ['a WebSocket', overWebSocket],
      ['gRPC', overGrpc],
    ] as const satisfies readonly (readonly [string, SessionDoor])[]) {
      const start = (program: Partial<InteractiveProgram>, first?: Parameters<SessionDoor>[2]): Promise<Session> =>
        attach(platform, { limits: UNHURRIED, interactive: PIPES, ...program }, first);

      test(`over ${via}, a program holds a dialogue, and the result has all of it`, async () => {
        const code = 'name = input("Who? ")\nprint("Hello,", name)\nprint(input("And? ").upper())';
        const session = await start({ code, stdin: '' });
        await session.shows('Who? ');
        session.type('Ada\n');
        await session.shows('Hello, Ada\nAnd? ');
        session.type('good\n');
        assert.equal(await session.ended, 'succeeded');
        assert.equal((await restDoor(platform).get(session.id)).stdout.toString(), 'Who? Hello, Ada\nAnd? GOOD\n');
      });

      test(`over ${via}, input that is given before the program runs arrives, and its end ends it`, async () => {
        const first = [
          { type: 'stdin', data: 'two\n', encoding: 'utf8' },
          { type: 'stdin', data: Buffer.from([255, 10]).toString('base64'), encoding: 'base64' },
          { type: 'close_stdin' },
        ] as const;
        const session = await start({ language: 'bash', code: 'cat', stdin: 'one\n' }, first);
        assert.equal(await session.ended, 'succeeded');
        const { stdout } = await restDoor(platform).get(session.id);
        assert.deepEqual(stdout, Buffer.from('one\ntwo\n\xff\n', 'latin1'));
      });

      test(`over ${via}, a program is interrupted, terminated and killed`, async () => {
        for (const [signal, status, how] of [
          ['SIGINT', 'succeeded', null],
          ['SIGTERM', 'failed', 'SIGTERM'],
          ['SIGKILL', 'failed', 'SIGKILL'],
        ] as const) {
          const session = await start({ code: WAITS });
          await session.shows('up');
          session.say({ type: 'signal', name: signal });
          assert.equal(await session.ended, status);
          assert.equal((await restDoor(platform).get(session.id)).signal, how);
        }
      });

      test(`over ${via}, a shell in a terminal has its size, and learns of a new one`, async () => {
        const code =
          'trap "stty size; exit" WINCH; tty; stty size; echo "$TERM:$COLUMNS:$LINES"; while :; do sleep 0.05; done';
        const session = await start({ language: 'bash', code, interactive: TERMINAL });
        await session.shows('/dev/pts/0\r\n24 80\r\nxterm-256color:');
        session.say({ type: 'resize', rows: 50, columns: 132 });
        await session.shows('50 132\r\n');
        assert.equal(await session.ended, 'succeeded');
      });

      test(`over ${via}, an interactive shell does what is typed`, async () => {
        const code = 'exec bash --norc --noprofile -i';
        const session = await start({ language: 'bash', code, interactive: TERMINAL });
        await session.shows('$ ');
        session.type('sleep 60\n');
        await session.shows('sleep 60\r\n');
        session.type('\x03');
        await session.shows('^C');
        session.type('echo $((6 * 7)) $?; exit 3\n');
        await session.shows('42 130');
        assert.equal(await session.ended, 'failed');
        assert.equal((await restDoor(platform).get(session.id)).exitCode, 3);
      });

      test(`over ${via}, ^C in a terminal is KeyboardInterrupt`, async () => {
        const session = await start({ code: WAITS, interactive: TERMINAL });
        await session.shows('up');
        session.type('\x03');
        await session.shows('interrupted');
        assert.equal(await session.ended, 'succeeded');
      });

      test(`over ${via}, an attachment that is lost cancels the job, and the program is dead`, async () => {
        const word = `marker-${crypto.randomUUID()}`;
        const code = 'import os, sys\nprint("up", flush=True)\nos.execv("/bin/sleep", [sys.argv[1], "60"])';
        const session = await start({ code, args: [word] });
        await session.shows('up');
        await until('it runs', () => isRunning(word), 30_000);
        session.drop();
        await until('it is cancelled', async () => (await statusOf(platform, session)) === 'cancelled', 30_000);
        assert.equal(isRunning(word), false);
        assert.equal((await restDoor(platform).get(session.id)).stdout.toString(), 'up\n');
      });

      test(`over ${via}, as much as a program may print reaches a reader`, async () => {
        const bytes = 1_000_000;
        const session = await start({ code: `print("x" * ${bytes}, end="")` });
        assert.equal(await session.ended, 'succeeded');
        assert.equal(session.shown.length, bytes);
      });
    }

    test('a job can be attached to once, whatever the door', async () => {
      const session = await overWebSocket(platform, { code: 'input()', interactive: PIPES, limits: UNHURRIED });
      await assert.rejects(
        attachWebSocket(platform, session.id),
        (error: Refused) => error.code === 'ALREADY_ATTACHED' && error.httpStatus === 409,
      );
      session.type('\n');
      assert.equal(await session.ended, 'succeeded');
    });

    test('a job that takes no input cannot be attached to, and one that has ended tells its result', async () => {
      const door = grpcDoor(platform);
      const plain = await door.submit({ code: '1' });
      await assert.rejects(attachWebSocket(platform, plain), (error: Refused) => error.code === 'JOB_NOT_INTERACTIVE');
      const session = await overWebSocket(platform, { code: 'print(1)', interactive: PIPES });
      assert.equal(await session.ended, 'succeeded');
      const events: string[] = [];
      const { closed } = await attachWebSocket(platform, session.id, ({ event }) => events.push(event));
      await closed;
      assert.equal(events.at(-1), 'result');
    });

    test('without anybody attached, a program waits for input until its own time is up', async () => {
      const door = restDoor(platform);
      const program: InteractiveProgram = { code: 'input()', interactive: PIPES, limits: { wallTimeMs: 1_000 } };
      const { ended } = await door.watch(await door.submit(program));
      assert.equal(ended.status, 'timed_out');
    });
  });
}

/** A program that tells each of its starts, and waits. */
async function waiting(platform: Platform): Promise<Session> {
  const session = await overWebSocket(platform, {
    code: 'print("up", flush=True)\ninput()',
    interactive: PIPES,
    limits: UNHURRIED,
  });
  await session.shows('up');
  return session;
}

async function endOf(platform: Platform, session: Session) {
  const ended = async () => !['accepted', 'saving', 'queued', 'running'].includes(await statusOf(platform, session));
  await until('it has ended', () => ended().catch(() => false), 60_000);
  return restDoor(platform).get(session.id);
}

/** The processes that a worker's own HTTP says have started a run. */
async function startedBy({ workerUrls }: Platform): Promise<number[]> {
  const counts = workerUrls.map(async (url) => {
    const text = await fetch(`${url}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
    return Number(/^runlane_runs_started_total\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  });
  return Promise.all(counts);
}

describe('an interactive program', { skip: skipWithout('redis-server', 'mongo-wire') }, () => {
  test('whose worker is killed ends with `error`, is told so, and does not run a second time', async () => {
    const platform = await startDistributed({ env: IMPATIENT });
    try {
      const session = await waiting(platform);
      const at = (await startedBy(platform)).indexOf(1);
      platform.processes[`worker${at + 1}`]?.process.kill('SIGKILL');
      assert.equal(await session.ended, 'error');
      assert.deepEqual([...(await startedBy(platform))].sort(), [0, 0, 0]);
      assert.equal(session.shown, 'up\n');
    } finally {
      await platform.stop();
    }
  });

  test('whose runner is killed ends with `error`, and does not run a second time', async () => {
    const platform = await startDistributed({ env: IMPATIENT });
    try {
      const session = await waiting(platform);
      platform.processes.runner?.process.kill('SIGKILL');
      assert.equal(await session.ended, 'error');
      assert.deepEqual((await startedBy(platform)).toSorted(), [0, 0, 1]);
    } finally {
      await platform.stop();
    }
  });

  test('whose client’s server is killed is cancelled by its worker', async () => {
    const platform = await startDistributed({ env: IMPATIENT });
    try {
      const word = `marker-${crypto.randomUUID()}`;
      const code = 'import os, sys\nprint("up", flush=True)\nos.execv("/bin/sleep", [sys.argv[1], "60"])';
      const session = await overWebSocket(platform, { code, args: [word], interactive: PIPES, limits: UNHURRIED });
      await session.shows('up');
      await until('it runs', () => isRunning(word), 30_000);
      platform.processes.command?.process.kill('SIGKILL');
      await until('it is dead, long before its own time is up', () => !isRunning(word), 40_000);
    } finally {
      await platform.stop();
    }
  });

  test('whose Redis does not answer is cancelled, and the client is told', async () => {
    const platform = await startDistributed({ env: IMPATIENT });
    try {
      const session = await waiting(platform);
      await platform.redis?.kill('SIGSTOP');
      try {
        assert.equal(await session.ended, 'ATTACHMENT_LOST');
        assert.equal((await endOf(platform, session)).status, 'cancelled');
      } finally {
        await platform.redis?.kill('SIGCONT');
      }
    } finally {
      await platform.stop();
    }
  });
});
