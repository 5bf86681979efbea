/** The jail in a container without a privilege, as docker-compose.yml starts it, on a real engine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skipWithout, startDocker, TEST_IMAGE, type TestEngine } from '@runlane/core/testing';
import { testSandbox } from '../sandbox.contract.js';
import { runPython } from '../sandbox.fixture.js';
import {
  CONTAINER_UID,
  type ContainerJail,
  type ContainerJailOptions,
  openContainerJail,
  SECCOMP_PROFILE,
  serveInContainer,
} from './container.fixture.js';

/** What the jail refuses to programs and needs itself: the whole of what the container's filter allows beyond the jail's. */
const OWN = ['mount', 'pivot_root', 'sethostname', 'setns', 'umount2', 'unshare'];
const HOST = fileURLToPath(new URL('../../../', import.meta.url));
const HEADER = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h';

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly unknown[];
}
const profile: { readonly syscalls: readonly Rule[] } & Record<string, unknown> = JSON.parse(
  readFileSync(SECCOMP_PROFILE, 'utf8'),
);
const unconditional = profile.syscalls.filter(({ args }) => !args).flatMap(({ names }) => names);

/** The jail's table of system calls, as Python has it. */
const table: { refused: string[]; decided: string[]; last: number } = JSON.parse(
  execFileSync('/usr/bin/python3', [
    '-I',
    '-c',
    'import json, sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1]); from jail import seccomp as s; ' +
      'print(json.dumps({"refused": list(s.REFUSED), "decided": list({**s.NUMBERS, **s.UNSEEN_MEMORY}), "last": s.LAST_KNOWN}))',
    HOST,
  ]).toString(),
);

test("the container's filter refuses what the jail's does, but for what makes a sandbox", () => {
  // EPERM: engine 20.10 gives no other error, whatever the profile says.
  assert.deepEqual([profile.defaultAction, profile.defaultErrnoRet], ['SCMP_ACT_ERRNO', 1]);
  assert.deepEqual(new Set(profile.syscalls.map(({ action }) => action)), new Set(['SCMP_ACT_ALLOW']));
  assert.equal(new Set(unconditional).size, unconditional.length, 'a call is listed twice');
  assert.deepEqual(unconditional.filter((name) => table.refused.includes(name)).sort(), OWN);
});

test("the container's filter allows everything else that the jail's knows", {
  skip: !existsSync(HEADER) && HEADER,
}, () => {
  const lines = readFileSync(HEADER, 'utf8').matchAll(/^#define __NR_(\w+) (\d+)$/gm);
  const known = [...lines].flatMap(([, name, number]) => (name && Number(number) <= table.last ? [name] : []));
  const allowed = new Set(unconditional);
  const wanted = [...known, ...table.decided].filter((name) => !table.refused.includes(name) && name !== 'socket');
  assert.deepEqual(
    wanted.filter((name) => !allowed.has(name)),
    [],
  );
});

test("the container's filter leaves four families of sockets, by their number", () => {
  assert.ok(!unconditional.includes('socket'));
  assert.deepEqual(
    profile.syscalls.filter(({ args }) => args).map(({ names, args }) => [names, args]),
    // UNIX, INET, INET6 and, for Node's list of network interfaces, NETLINK.
    [1, 2, 10, 16].map((family) => [['socket'], [{ index: 0, value: family, op: 'SCMP_CMP_EQ' }]]),
  );
});

const skip = skipWithout('docker');
let engine: TestEngine;

const open = (more: Partial<ContainerJailOptions> = {}): Promise<ContainerJail> =>
  openContainerJail({ engineSocket: engine.socketPath, image: TEST_IMAGE, slots: 12, ...more });

before(async () => {
  if (!skip) engine = await startDocker();
});
after(() => engine?.stop());

describe('an unprivileged container', { skip }, () => {
  testSandbox('jail, in a container', async () => (await open()).sandbox);

  test('the processes of the jail have no privilege, and the filter of the container', async () => {
    const { sandbox, pid } = await open();
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(status, /^Uid:\t10002\t10002\t10002\t10002$/m);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        assert.match(status, new RegExp(`^${set}:\t0+$`, 'm'));
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(status, /^Seccomp:\t2$/m);
      assert.match(sandbox.description.summary, /^jail:userns\+pid\+mount\+net\+ipc\+uts\+seccomp\+polled$/);
    } finally {
      await sandbox.close();
    }
  });

  test('the filter of the container holds a process in it that no jail does', async () => {
    const { sandbox, command } = await open();
    const code =
      'import ctypes, socket\nl = ctypes.CDLL(None, use_errno=True)\n' +
      // bpf, keyctl, io_uring_setup, inotify_init1 on x86-64
      `for n in (321, 250, 425, 294):\n  l.syscall(n, 0, 0, 0, 0); print(ctypes.get_errno())\n` +
      'for f in (1, 2, 10, 16, 17, 40):\n  try: socket.socket(f, socket.SOCK_RAW if f == 16 else socket.SOCK_DGRAM); print("ok")\n' +
      '  except OSError as e: print(e.errno)';
    try {
      const said = await command(['/usr/bin/python3', '-c', code]);
      assert.deepEqual(said.trim().split(/\s+/), ['1', '1', '1', '1', 'ok', 'ok', 'ok', 'ok', '1', '1']);
    } finally {
      await sandbox.close();
    }
  });

  test('the whole runner host serves there', async () => {
    const log = await serveInContainer({ engineSocket: engine.socketPath, image: TEST_IMAGE, slots: 2 });
    assert.match(log, /"languages":\[[^\]]*"python 3\.[\d.]+"[^\]]*\],"slots":2,"isolation":"jail:[a-z+]+\+polled"/);
  });

  for (const without of ['seccomp profile', 'uncovered /proc'] as const) {
    test(`without its ${without} the jail refuses to start, and says what to do`, async () => {
      await assert.rejects(
        open({ without }),
        /refusing to start: .*What to do: in a container: security_opt seccomp=deploy\/docker\/seccomp-runner\.json.*systempaths=unconfined/s,
      );
    });
  }
});

const V1 = '/sys/fs/cgroup/memory';
const notRoot = process.getuid?.() !== 0 && 'only root can delegate a cgroup';
const notV1 = !existsSync(V1) && `${V1} is not there: this machine has no cgroup v1`;

describe('an unprivileged container that is given cgroups', { skip: skip || notRoot || notV1 }, () => {
  const cgroups = Object.fromEntries(
    ['memory', 'pids', 'cpuacct'].map((name) => [name, `/sys/fs/cgroup/${name}/runlane-test-${process.pid}`]),
  );
  const made = () =>
    Object.values(cgroups)
      .flatMap((path) => readdirSync(path, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory());

  before(() => {
    for (const path of Object.values(cgroups)) {
      mkdirSync(path);
      chownSync(path, CONTAINER_UID, CONTAINER_UID);
    }
  });
  after(() => {
    for (const path of Object.values(cgroups)) rmdirSync(path);
  });

  test('uses them: memory is what the kernel counts, not what is seen by polling', async () => {
    const { sandbox } = await open({ cgroups });
    try {
      assert.match(sandbox.description.summary, /\+cgroup$/);
      const layer = sandbox.description.layers.find(({ name }) => name === 'memory-cgroup');
      assert.deepEqual([layer?.holds, layer?.detail], [true, 'cgroup v1: cpuacct, memory, pids']);
      // Memory that is in nobody's mappings, which polling does not see.
      const hidden =
        'import os\nfd = os.memfd_create("x")\nfor _ in range(300): os.write(fd, b"x" * (1 << 20))\nprint("had it")';
      const { end, text } = await runPython(sandbox, hidden, {
        limits: { memoryBytes: 128 << 20, fileBytes: 1 << 30 },
      });
      assert.deepEqual([end.reason, text], ['memory', '']);
      assert.ok(end.memoryPeakBytes > 120 << 20 && end.memoryPeakBytes <= 128 << 20, `${end.memoryPeakBytes}`);
    } finally {
      await sandbox.close();
    }
    assert.deepEqual(made(), [], 'and takes them away when it ends');
  });

  test('two share a folder, and one takes away what another left that was killed', async () => {
    const [first, second] = await Promise.all([open({ cgroups, slots: 1 }), open({ cgroups, slots: 1 })]);
    assert.equal(made().length, 2 * 3);
    process.kill(first.pid, 'SIGKILL');
    await first.sandbox.lost;
    await first.sandbox.close();
    assert.equal(made().length, 2 * 3);
    const third = await open({ cgroups, slots: 1 });
    assert.equal(made().length, 2 * 3);
    assert.equal((await runPython(second.sandbox, 'print(2)')).text, '2');
    assert.equal((await runPython(third.sandbox, 'print(3)')).text, '3');
    await Promise.all([second, third].map(({ sandbox }) => sandbox.close()));
    assert.deepEqual(made(), []);
  });

  testSandbox('jail, in a container with cgroups', async () => (await open({ cgroups })).sandbox);

  test('and so does the whole runner host', async () => {
    const log = await serveInContainer({ engineSocket: engine.socketPath, image: TEST_IMAGE, slots: 2, cgroups });
    assert.match(log, /"isolation":"jail:[a-z+]+\+cgroup"/);
    assert.deepEqual(made(), []);
  });

  test('refuses to start where it cannot use them', async () => {
    await assert.rejects(
      open({ cgroups: { memory: V1 } }),
      /refusing to start: no groups with a limit of memory can be made in \/run\/cgroups, which was given for them/,
    );
  });
});
