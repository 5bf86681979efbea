/** The jail is exact: codes and signals come back as themselves, and each limit is where it was asked for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { collect, type Given, type Outcome, open, runPython } from '../sandbox.fixture.js';
import type { RunLimits, Sandbox } from '../sandbox.js';
import { createJail } from './driver.js';
import { launchJail } from './launch.js';

const languagesDir = fileURLToPath(new URL('../../../../', import.meta.url));
const MIB = 1024 * 1024;
const AT_ONCE = 6;
/** Longest that a run may go on past its wall limit, in milliseconds. A tenth of it is the aim; but machines are shared. */
const WALL_TOLERANCE_MS = 500;
/** Signals that by default end nobody, and numbers that the C library keeps for itself. */
const NOT_FATAL = ['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'];
const NUMBERS_OF_LIBC = [32, 33];

function describeJail(name: string, extraArguments: readonly string[], tests: (sandbox: () => Sandbox) => void): void {
  describe(name, () => {
    let sandbox: Sandbox;
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'runlane-exact-test-'));
      const socketPath = join(folder, 'jail.sock');
      const peerUid = process.getuid?.() ?? 0;
      const slots = 2 * AT_ONCE;
      const launched = await launchJail({ socketPath, slots, languagesDir, peerUid, allowWeak: false, extraArguments });
      sandbox = await createJail({ socketPath, lost: launched.lost, stop: launched.stop });
    });
    after(async () => {
      await sandbox?.close();
      await rm(folder, { recursive: true });
    });
    tests(() => sandbox);
  });
}

describeJail('how a program ended', [], (sandbox) => {
  test('every exit code comes back as itself', async () => {
    const codes = range(0, 255);
    const ends = await inTurns(codes, (code) => runPython(sandbox(), `import sys; sys.exit(${code})`));
    assert.deepEqual(
      ends.map(({ end: { reason, code, signal } }) => [reason, code, signal]),
      codes.map((code) => ['exited', code, null]),
    );
  });

  test('every signal that ends a program comes back by its name', async () => {
    const numbers = range(1, 64).filter(
      (number) => !NOT_FATAL.includes(nameOf(number)) && !NUMBERS_OF_LIBC.includes(number),
    );
    const code = (number: number) =>
      `import os, signal\nif ${number} != signal.SIGKILL: signal.signal(${number}, signal.SIG_DFL)\nos.kill(os.getpid(), ${number})`;
    const ends = await inTurns(numbers, (number) => runPython(sandbox(), code(number)));
    assert.deepEqual(
      ends.map(({ end: { reason, code, signal } }) => [reason, code, signal]),
      // By SIGXCPU the kernel says that a program has used up its time: from whom it comes is not known.
      numbers.map((number) => [nameOf(number) === 'SIGXCPU' ? 'cpu' : 'exited', null, nameOf(number)]),
    );
  });
});

for (const [name, extraArguments] of [
  ['limits', []],
  ['limits, measured by polling', ['--no-cgroups']],
] as const) {
  describeJail(name, extraArguments, (sandbox) => {
    test('wall limits are held while every processor is busy', (context) => wallLimits(sandbox(), context));

    test('processor time of several processes is one sum', async () => {
      const spins = 'import os\nfor _ in range(2): os.fork()\nwhile True: pass';
      const { end } = await runPython(sandbox(), spins, { limits: { cpuTimeMs: 500 } });
      assert.equal(end.reason, 'cpu');
      assert.ok(end.cpuMs >= 500 && end.cpuMs < 1000, `${end.cpuMs} ms`);
    });

    test('processor time of children that have ended counts', async () => {
      const spins =
        'import os, time\nfor _ in range(20):\n  if os.fork() == 0:\n    while time.process_time() < 0.1: pass\n    os._exit(0)\n  os.wait()';
      const { end } = await runPython(sandbox(), spins, { limits: { cpuTimeMs: 600 } });
      assert.equal(end.reason, 'cpu');
      assert.ok(end.cpuMs >= 600 && end.cpuMs < 1100, `${end.cpuMs} ms`);
    });

    for (const [who, code, limits] of [
      ['one process', 'x = b"x" * 150_000_000', {}],
      [
        'many children',
        'import os\nfor _ in range(8):\n  if os.fork() == 0:\n    x = b"x" * 20_000_000\n    while True: os.sched_yield()\nos.wait()',
        {},
      ],
      [
        'a child whose parent does not mind',
        'import os\nif os.fork() == 0: x = b"x" * 150_000_000; os._exit(0)\nos.wait()',
        {},
      ],
      [
        'files in three folders',
        'for folder in ("/work", "/tmp", "/dev/shm"):\n  with open(f"{folder}/x", "wb", 0) as f:\n    for _ in range(38): f.write(b"x" * 1_000_000)\nwhile True: pass',
        { diskBytes: 40 * MIB },
      ],
    ] as const) {
      test(`${who} with too much memory ends by "memory"`, async () => {
        const given = { limits: { memoryBytes: 100 * MIB, ...limits } };
        const { end, stderr } = await runPython(sandbox(), code, given);
        assert.equal(end.reason, 'memory', `${JSON.stringify(end)} ${stderr}`);
      });
    }

    test('a program has so many processes, itself among them', async () => {
      const code =
        'import os, time\nn = 1\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(60)\n    n += 1\nexcept OSError as e: print(n, e.errno)';
      assert.equal(await says(sandbox(), code, { processes: 10 }), '10 11');
    });

    test('a thread is one of them', async () => {
      const code =
        'import threading, time\nn = 1\ntry:\n  while True:\n    threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); n += 1\nexcept RuntimeError: print(n)';
      assert.equal(await says(sandbox(), code, { processes: 10 }), '10');
    });

    test('a process has so many open files, its streams among them', async () => {
      const code = 'import os\ntry:\n  while True: n = os.dup(0)\nexcept OSError as e: print(n + 1, e.errno)';
      assert.equal(await says(sandbox(), code, { openFiles: 20 }), '20 24');
    });

    test('a file grows to its limit, and writing more is an error, as Python ignores SIGXFSZ', async () => {
      const code =
        'import os\nwith open("x", "wb", 0) as f:\n  print(f.write(b"x" * 100_001))\n  try: f.write(b"x")\n  except OSError as e: print(e.errno, os.path.getsize("x"))';
      assert.equal(await says(sandbox(), code, { fileBytes: 100_000 }), '100000\n27 100000');
    });

    test('a program that does not ignore SIGXFSZ ends by it', async () => {
      const code =
        'import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nf = open("x", "wb", 0)\nwhile True: f.write(b"x" * 4096)';
      const { end } = await runPython(sandbox(), code, { limits: { fileBytes: 100_000 } });
      assert.deepEqual([end.reason, end.signal], ['exited', 'SIGXFSZ']);
    });

    test('each of its folders holds so many bytes', async () => {
      const code =
        'import os\nfor folder in ("/work", "/tmp", "/dev/shm"):\n  f = open(f"{folder}/x", "wb", 0)\n  try:\n    while True: f.write(b"x" * 4096)\n  except OSError as e: print(os.path.getsize(f.name), e.errno)';
      // The program itself is a page of its folder.
      const expected = `${MIB - 4096} 28\n${MIB} 28\n${MIB} 28`;
      assert.equal(await says(sandbox(), code, { diskBytes: MIB }), expected);
    });

    test('each of its folders holds so many files', async () => {
      const code =
        'import os\nfor folder in ("/work", "/tmp", "/dev/shm"):\n  try:\n    for n in range(1000): open(f"{folder}/{n}", "w").close()\n  except OSError as e: print(n, e.errno)';
      // The folder is one of them, and in /work the program and the folder for what comes back.
      assert.equal(await says(sandbox(), code, { inodes: 64 }), '61 28\n63 28\n63 28');
    });

    test('each output stream has a limit of its own', async () => {
      // What is too much comes last: the run ends there.
      const code = (out: number, err: number) =>
        `import os\nfor fd, n in sorted([(1, ${out}), (2, ${err})], key=lambda one: one[1]): os.write(fd, b"x" * n)`;
      for (const [out, err, reason] of [
        [1000, 1000, 'exited'],
        [1001, 1000, 'output'],
        [1000, 1001, 'output'],
      ] as const) {
        const { end, stdout, stderr } = await runPython(sandbox(), code(out, err), { limits: { outputBytes: 1000 } });
        assert.equal(end.reason, reason);
        assert.deepEqual([end.stdoutTruncated, end.stderrTruncated], [out > 1000, err > 1000]);
        assert.deepEqual([stdout.length, stderr.length], [1000, 1000]);
      }
    });
  });
}

async function wallLimits(sandbox: Sandbox, context: TestContext): Promise<void> {
  const spinning = await Promise.all(
    range(1, availableParallelism()).map(() =>
      open(sandbox, 'while True: pass', { limits: { wallTimeMs: 60_000, cpuTimeMs: 60_000 } }),
    ),
  );
  try {
    for (const run of spinning) run.go();
    const limits = range(0, 19).map((n) => 300 + 10 * n);
    const deviations = await inTurns(limits, async (wallTimeMs) => {
      const run = await open(sandbox, 'import time; time.sleep(60)', { limits: { wallTimeMs } });
      const begun = performance.now();
      run.go();
      const { end } = await collect(run);
      const seenMs = performance.now() - begun;
      assert.equal(end.reason, 'wall');
      for (const ms of [end.wallMs, seenMs]) {
        assert.ok(ms >= wallTimeMs && ms <= wallTimeMs + WALL_TOLERANCE_MS, `${ms} ms instead of ${wallTimeMs}`);
      }
      return { reported: end.wallMs - wallTimeMs, seen: seenMs - wallTimeMs };
    });
    const worst = (what: 'reported' | 'seen') => Math.max(...deviations.map((one) => one[what])).toFixed(1);
    context.diagnostic(`past the wall limit at worst: reported ${worst('reported')} ms, seen ${worst('seen')} ms`);
  } finally {
    for (const run of spinning) run.close();
  }
}

async function says(sandbox: Sandbox, code: string, limits: Partial<RunLimits>): Promise<string> {
  const given: Given = { limits };
  const { text, stderr }: Outcome = await runPython(sandbox, code, given);
  return text + stderr;
}

/** Signals that have a name of their own, and the others by their number. */
function nameOf(number: number): string {
  const [name] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return name ?? { 34: 'SIGRTMIN', 64: 'SIGRTMAX' }[number] ?? `SIG${number}`;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

/** What `work` makes of each, several at once. */
async function inTurns<I, O>(items: readonly I[], work: (item: I) => Promise<O>): Promise<O[]> {
  const results: O[] = [];
  const left = items.entries();
  const one = async () => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return results;
}
