/** The jail in each of its modes on this machine, and what becomes of it when its parts are killed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { testSandbox } from '../sandbox.contract.js';
import { collect, open, pythonOf, runFiles, runPython } from '../sandbox.fixture.js';
import type { Sandbox } from '../sandbox.js';
import { createJail } from './driver.js';
import { createFrameReader, FROM_JAIL, fileHeader, frame, TO_JAIL, wordsFrame } from './frames.js';
import { type Launched, launchJail } from './launch.js';

const languagesDir = fileURLToPath(new URL('../../../../', import.meta.url));
const isRoot = process.getuid?.() === 0;
/** Started by root, and by an ordinary user. */
const MODES = isRoot ? (['A', 'B'] as const) : (['B'] as const);
/** An ordinary user for the tests of mode B: any id without rights will do. */
const NOBODY = { uid: 54_321, gid: 54_321 };

interface Opened {
  readonly sandbox: Sandbox;
  readonly launched: Launched;
  readonly folder: string;
}

async function openJail(mode: 'A' | 'B', extraArguments: readonly string[] = []): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-jail-test-'));
  // The ordinary user makes its socket in here; we connect as root, or are that user.
  if (isRoot) await chmod(folder, 0o777);
  const socketPath = join(folder, 'jail.sock');
  const user = isRoot && mode === 'B' ? NOBODY : undefined;
  const launched = await launchJail({
    socketPath,
    slots: 12,
    languagesDir,
    peerUid: user?.uid ?? process.getuid?.() ?? 0,
    allowWeak: false,
    extraArguments,
    ...(user && { user }),
  });
  const stop = async () => {
    await launched.stop();
    assert.deepEqual(await readdir(folder), [], 'the socket is taken away');
    await rm(folder, { recursive: true });
  };
  return { sandbox: await createJail({ socketPath, lost: launched.lost, stop }), launched, folder };
}

/** What an interpreter reads when it starts makes the jail start one, where else it forks its own. */
function startingAfresh(sandbox: Sandbox): Sandbox {
  const open: Sandbox['open'] = ({ env, ...rest }) =>
    sandbox.open({ ...rest, env: { ...env, PYTHONHASHSEED: 'random' } });
  return { ...sandbox, open };
}

if (isRoot) {
  testSandbox('jail, started by root', async () => (await openJail('A')).sandbox);
  testSandbox("jail, started by root, programs exec'ed", async () => startingAfresh((await openJail('A')).sandbox));
  testSandbox(
    'jail, started by root without user namespaces',
    async () => (await openJail('A', ['--no-user-namespaces'])).sandbox,
  );
  testSandbox('jail, started by root without cgroups', async () => (await openJail('A', ['--no-cgroups'])).sandbox);
} else {
  test('the jail started by root', { skip: 'needs root: sudo npm test' }, () => {});
}
testSandbox('jail, started by an ordinary user', async () => (await openJail('B')).sandbox);

test('runs at once have different ids on the host, none of them 0', { skip: !isRoot && 'needs root' }, async () => {
  const { sandbox } = await openJail('A');
  const mark = `mark${Math.random()}`;
  try {
    const code = `import os, sys; os.execv(sys.executable, ["${mark}", "-c", "import time; time.sleep(60)"])`;
    const runs = await Promise.all([0, 1, 2].map(() => open(sandbox, code)));
    for (const run of runs) run.go();
    await until(async () => (await marked(mark)).length === 3);
    const uids = await Promise.all((await marked(mark)).map(uidsOf));
    assert.equal(new Set(uids.flat()).size, 3);
    assert.ok(uids.flat().every((uid) => uid > 1_000_000));
    for (const run of runs) run.close();
    await until(async () => (await marked(mark)).length === 0);
  } finally {
    await sandbox.close();
  }
});

test('a caller that reads late, long after the limit of its run, gets all of the output and the verdict', async () => {
  const { sandbox } = await openJail(isRoot ? 'A' : 'B');
  try {
    const run = await open(sandbox, 'print("x" * 450_000)', { limits: { wallTimeMs: 1000 } });
    run.go();
    run.closeStdin();
    // Past the wall limit, and the time after which a monitor that does not get on is killed.
    await sleep(6_000);
    const { end, text } = await collect(run);
    assert.deepEqual([end.reason, end.code, text.length], ['exited', 0, 450_000]);
  } finally {
    await sandbox.close();
  }
});

const MEMORY_OF_A_THREAD = `
import ctypes, mmap, threading, time
held = []
def fill():
    for _ in range(40):
        block = mmap.mmap(-1, 16 << 20); block[::4096] = b"x" * 4096; held.append(block)
    time.sleep(10)
threading.Thread(target=fill).start()
ctypes.CDLL(None).syscall(60 if __import__("os").uname().machine == "x86_64" else 93, 0)
`;
const SIBLING = `
import ctypes, errno, os, time
CLONE_PARENT, SIGCHLD = 0x8000, 17
number = 56 if os.uname().machine == "x86_64" else 220
if ctypes.CDLL(None, use_errno=True).syscall(number, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0: time.sleep(60)
print("ended")
`;

for (const mode of MODES) {
  test(`a program cannot have a child that is its maker's, and so keep its end from being seen: ${mode}`, async () => {
    const { sandbox } = await openJail(mode);
    try {
      const { end, text } = await runPython(sandbox, SIBLING);
      assert.deepEqual([end.reason, end.code, text], ['exited', 0, 'ended']);
    } finally {
      await sandbox.close();
    }
  });

  test(`memory of a process whose first thread has ended is seen: ${mode}`, async () => {
    const { sandbox } = await openJail(mode);
    try {
      const { end } = await runPython(sandbox, MEMORY_OF_A_THREAD, { limits: { memoryBytes: 64 << 20 } });
      assert.equal(end.reason, 'memory');
      assert.ok(end.wallMs < 5_000, `seen after ${end.wallMs} ms`);
    } finally {
      await sandbox.close();
    }
  });

  test(`a signal that comes with the start is no failure of ours: ${mode}`, async () => {
    const { sandbox } = await openJail(mode);
    try {
      for (let round = 0; round < 150; round += 1) {
        // Not sleeping: a signal between its last look for one and the system call Python sees when it has slept.
        const run = await open(sandbox, 'while True: pass');
        run.go();
        run.signal('SIGINT');
        const { end } = await collect(run);
        assert.ok(end.signal === 'SIGINT' && end.wallMs < 5_000, JSON.stringify(end));
      }
    } finally {
      await sandbox.close();
    }
  });

  test(`a maker that is killed ends its run at once, and its slot goes on: ${mode}`, async () => {
    const { sandbox, launched } = await openJail(mode, ['--slots', '1', '--warm', '0']);
    try {
      const run = await open(sandbox, 'print("up"); import time; time.sleep(60)');
      run.go();
      const events = run.events();
      while ((await events.next()).value?.kind !== 'stdout');
      const service = await childOf(await childOf(launched.pid));
      process.kill(await childOf(await childOf(service)), 'SIGKILL');
      const killed = performance.now();
      await assert.rejects(async () => {
        for (;;) if ((await events.next()).done) return;
      }, /the maker of sandboxes has ended/);
      assert.ok(performance.now() - killed < 5_000, 'long before the limits of the run');
      assert.equal((await runPython(sandbox, 'print(1)')).text, '1');
    } finally {
      await sandbox.close();
    }
  });

  test(`what a run leaves behind is charged to no other: ${mode}`, async () => {
    const { sandbox } = await openJail(mode, ['--slots', '1', '--warm', '0']);
    const leaves =
      'import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\nfor _ in range(4):\n' +
      '  at = libc.shmat(libc.shmget(0, 40 << 20, 0o1600), None, 0)\n  if at and at != 2**64 - 1: ctypes.memset(at, 1, 40 << 20)\n' +
      'open("/work/file", "wb").write(bytes(50 << 20))';
    try {
      for (let round = 0; round < 3; round += 1) {
        await runPython(sandbox, leaves, { limits: { memoryBytes: 512 << 20 } });
        const { end, text } = await runPython(sandbox, 'print(1)', { limits: { memoryBytes: 32 << 20 } });
        assert.deepEqual([end.reason, text], ['exited', '1']);
        assert.ok(end.memoryPeakBytes < 24 << 20, `${end.memoryPeakBytes}`);
      }
    } finally {
      await sandbox.close();
    }
  });
}

test('a sandbox is ready before the files of its run are there', async () => {
  const { sandbox, folder } = await openJail(isRoot ? 'A' : 'B', ['--slots', '1']);
  const code = Buffer.from('print("late")');
  const header = fileHeader('main.py', code.length, false);
  try {
    const caller = await callByHand(folder, sandbox);
    caller.send(caller.runOf(1));
    assert.equal((await caller.next())?.type, FROM_JAIL.READY);
    caller.send(header, code.subarray(0, 3));
    caller.send(code.subarray(3), frame(TO_JAIL.START), frame(TO_JAIL.STDIN_EOF));
    const types = [];
    for (let said = await caller.next(); said; said = await caller.next()) types.push(said.type);
    assert.deepEqual(types, [FROM_JAIL.STARTED, FROM_JAIL.STDOUT, FROM_JAIL.EXIT]);

    const leaving = await callByHand(folder, sandbox);
    leaving.send(leaving.runOf(1));
    assert.equal((await leaving.next())?.type, FROM_JAIL.READY);
    leaving.send(header, code.subarray(0, 3));
    leaving.close();
    assert.equal((await runPython(sandbox, 'print(1)')).text, '1', 'its slot serves again');

    const confused = await callByHand(folder, sandbox);
    confused.send(confused.runOf(1));
    assert.equal((await confused.next())?.type, FROM_JAIL.READY);
    confused.send(frame(TO_JAIL.STDIN, code));
    const said = await confused.next();
    assert.deepEqual(
      [said?.type, String(said?.payload)],
      [FROM_JAIL.ERROR, 'Refused: frame 4 where FILE was expected'],
    );
    assert.equal((await runPython(sandbox, 'print(2)')).text, '2');
  } finally {
    await sandbox.close();
  }
});

for (const mode of MODES) {
  test(`a large file that has a name is sent once, and every run has a copy of its own: ${mode}`, async () => {
    const { sandbox } = await openJail(mode);
    const code = `
with open("data", "r+b") as file:
    print(len(file.read()), file.seek(0), file.read(1), file.seek(0), file.write(b"changed"))
import os; os.unlink("data")`;
    const run = async (content: Buffer) => {
      const data = { path: 'data', content, executable: false, name: 'the-same' };
      const main = { path: 'main.py', content: Buffer.from(code), executable: false };
      return (await runFiles(sandbox, [main, data])).text;
    };
    try {
      const said = `${200_000} 0 b'a' 0 7`;
      assert.equal(await run(Buffer.alloc(200_000, 'a')), said);
      // A promise broken on purpose: what comes is what was kept.
      assert.equal(await run(Buffer.alloc(300_000, 'b')), said);
      assert.equal(await run(Buffer.alloc(300_000, 'b')), said);
    } finally {
      await sandbox.close();
    }
  });

  test(`more than can be kept is sent again, by whoever needs it at the same time too: ${mode}`, async () => {
    const { sandbox } = await openJail(mode);
    const code = 'import hashlib; print(hashlib.sha256(open("data", "rb").read()).hexdigest())';
    const main = { path: 'main.py', content: Buffer.from(code), executable: false };
    // 24 of 6 MB each, where 64 MiB are kept: three runs of each at the same time, and all of them twice.
    const contents = Array.from({ length: 24 }, (_, n) => Buffer.alloc(6_000_000, `content ${n} `));
    try {
      for (const content of [...contents, ...contents]) {
        const name = createHash('sha256').update(content).digest('hex');
        const data = { path: 'data', content, executable: false, name };
        const said = await Promise.all([0, 1, 2].map(() => runFiles(sandbox, [main, data])));
        assert.deepEqual(new Set(said.map(({ text }) => text)), new Set([name]));
      }
    } finally {
      await sandbox.close();
    }
  });
}

for (const victim of ['launcher', 'anchor', 'service'] as const) {
  test(`killing the ${victim} leaves nothing of any run`, async () => {
    const { sandbox, launched, folder } = await openJail(isRoot ? 'A' : 'B');
    const mark = `mark${Math.random()}`;
    const code = `import os, sys\nprint("up")\nif os.fork() == 0: os.setsid()\nos.execv(sys.executable, ["${mark}", "-c", "import time; time.sleep(60)"])`;
    const run = await open(sandbox, code);
    run.go();
    const events = run.events();
    while ((await events.next()).value?.kind !== 'stdout');
    await until(async () => (await marked(mark)).length === 2);
    const anchor = await childOf(launched.pid);
    process.kill(
      victim === 'launcher' ? launched.pid : victim === 'anchor' ? anchor : await childOf(anchor),
      'SIGKILL',
    );
    await until(async () => (await marked(mark)).length === 0);
    await assert.rejects(async () => {
      for (;;) if ((await events.next()).done) return;
    }, /jail service/);
    await sandbox.lost;
    await rm(folder, { recursive: true });
  });
}

test('modules that were imported beforehand are there, and only the others are imported', async () => {
  const { sandbox } = await openJail(isRoot ? 'A' : 'B', ['--preload', 'decimal,json']);
  try {
    const code =
      'import sys; print("decimal" in sys.modules, "json" in sys.modules, "ctypes" in sys.modules)\n' +
      'import json, decimal; print(json.dumps([1]), decimal.Decimal(1) / 4)';
    assert.equal((await runPython(sandbox, code)).text, 'True True False\n[1] 0.25');
    assert.equal((await runPython(startingAfresh(sandbox), code)).text, 'False False False\n[1] 0.25');
  } finally {
    await sandbox.close();
  }
});

for (const [what, words, said] of [
  ['a module that is not there', ['--preload', 'no_such_module'], /No module named 'no_such_module'/],
  [
    'an interpreter that is not there',
    ['--tool', 'python=/nowhere/bin/python3'],
    /no program at \/nowhere\/bin\/python3/,
  ],
] as const) {
  test(`${what} is told when it starts`, () => {
    const launcher = fileURLToPath(new URL('../../../jail/launcher.py', import.meta.url));
    const all = [
      '-I',
      launcher,
      '--socket',
      `${tmpdir()}/runlane-${process.pid}.sock`,
      '--runners',
      languagesDir,
      ...words,
    ];
    const { status, stderr } = spawnSync('/usr/bin/python3', all, { encoding: 'utf8', timeout: 30_000 });
    assert.equal(status, 78, stderr);
    assert.match(stderr, said);
  });
}

test('what a killed launcher left behind is swept away by the next', { skip: !isRoot && 'needs root' }, async () => {
  const first = await openJail('A');
  process.kill(first.launched.pid, 'SIGKILL');
  await first.sandbox.lost;
  await sleep(200);
  const second = await openJail('A');
  await second.sandbox.close();
  assert.deepEqual(await groupsOf(first.launched.pid), []);
  assert.deepEqual(await groupsOf(second.launched.pid), []);
  await rm(first.folder, { recursive: true });
});

test('where no user namespace can be made it refuses to start, says what to do, and no switch overrides that', () => {
  const launcher = fileURLToPath(new URL('../../../jail/launcher.py', import.meta.url));
  const script =
    'echo 0 > /proc/sys/user/max_user_namespaces && exec /usr/bin/python3 -I "$0" --socket /nowhere --allow-weak';
  const { status, stderr } = spawnSync('unshare', ['-Ur', 'sh', '-c', script, launcher], { encoding: 'utf8' });
  assert.equal(status, 69, stderr);
  assert.match(stderr, /refusing to start: .*user namespace.*What to do: .*sysctl -w user\.max_user_namespaces/);
});

async function childOf(pid: number): Promise<number> {
  // Each thread has its own.
  const threads = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')));
  const children = texts.join('').split(' ').filter(Boolean);
  assert.equal(children.length, 1, 'it has one child');
  return Number(children[0]);
}

/** Its real, effective, saved and file-system uid, as the host sees them. */
async function uidsOf(pid: string): Promise<number[]> {
  const line = /^Uid:\s+(.*)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  return line.split(/\s+/).map(Number);
}

async function marked(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => lines[index]?.startsWith(mark));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'it did not happen within 5 s');
    await sleep(10);
  }
}

/** Control groups of a launcher that are still there. */
async function groupsOf(pid: number): Promise<string[]> {
  const found = await readdir('/sys/fs/cgroup', { recursive: true }).catch(() => []);
  return found.filter((path) => path.endsWith(`runlane-${pid}`));
}

/** A caller that speaks with the jail frame by frame. */
async function callByHand(folder: string, sandbox: Sandbox) {
  const socket = connect(join(folder, 'jail.sock'));
  await once(socket, 'connect');
  const cut = createFrameReader();
  const read = (async function* () {
    for await (const chunk of socket) yield* cut(chunk);
  })();
  return {
    send: (...parts: readonly Buffer[]) => void socket.write(Buffer.concat(parts)),
    next: async () => (await read.next()).value,
    close: () => void socket.destroy(),
    /** RUN, of `main.py` and so many files in all. */
    runOf: (files: number) => wordsFrame(TO_JAIL.RUN, ['out', files, 2, 0, 0, 0, 0, pythonOf(sandbox), 'main.py']),
  };
}
