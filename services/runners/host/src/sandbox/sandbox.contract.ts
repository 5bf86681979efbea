/** What every sandbox driver promises, as tests on real programs: verdicts, streams, isolation, and no survivor. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collect, type Given, type Outcome, open, runPython } from './sandbox.fixture.js';
import type { RunEnd, Sandbox } from './sandbox.js';
import { testTerminal } from './terminal.contract.js';

const MIB = 1024 * 1024;

/** Ways to end, and what must be seen: [sentence, program, what is given, what its end must be]. */
const ENDINGS: [string, string, Given, Partial<RunEnd>][] = [
  ['a program that ends has exit code 0', 'pass', {}, { reason: 'exited', code: 0, signal: null }],
  ['an exit code comes back as itself', 'import sys; sys.exit(7)', {}, { reason: 'exited', code: 7 }],
  ['the highest exit code comes back as itself', 'import os; os._exit(255)', {}, { reason: 'exited', code: 255 }],
  ['an uncaught exception is exit code 1', 'raise ValueError("no")', {}, { reason: 'exited', code: 1 }],
  ['a syntax error is exit code 1', 'def', {}, { reason: 'exited', code: 1 }],
  [
    'a segmentation fault is SIGSEGV',
    'import os; os.kill(os.getpid(), 11)',
    {},
    { reason: 'exited', code: null, signal: 'SIGSEGV' },
  ],
  ['abort() is SIGABRT', 'import os; os.abort()', {}, { reason: 'exited', signal: 'SIGABRT' }],
  [
    'a program that kills itself is SIGKILL',
    'import os; os.kill(os.getpid(), 9)',
    {},
    { reason: 'exited', signal: 'SIGKILL' },
  ],
  [
    'a broken pipe is SIGPIPE in a program that asks for it',
    'import os, signal; signal.signal(13, signal.SIG_DFL); os.kill(os.getpid(), 13)',
    {},
    { signal: 'SIGPIPE' },
  ],
  [
    'sleeping past the wall limit ends by it',
    'import time; time.sleep(60)',
    { limits: { wallTimeMs: 300 } },
    { reason: 'wall' },
  ],
  [
    'stopping oneself ends by the wall limit',
    'import os; os.kill(os.getpid(), 19)',
    { limits: { wallTimeMs: 300 } },
    { reason: 'wall' },
  ],
  [
    'ignoring every signal ends by the wall limit',
    'import signal, time\nfor n in range(1, 65):\n  try: signal.signal(n, signal.SIG_IGN)\n  except (OSError, ValueError): pass\ntime.sleep(60)',
    { limits: { wallTimeMs: 500 } },
    { reason: 'wall' },
  ],
  ['spinning past the CPU limit ends by it', 'while True: pass', { limits: { cpuTimeMs: 300 } }, { reason: 'cpu' }],
  [
    'the CPU time of all processes counts together',
    'import os\nfor _ in range(3): os.fork()\nwhile True: pass',
    { limits: { cpuTimeMs: 400 } },
    { reason: 'cpu' },
  ],
  [
    '300 MB under 256 MiB ends by memory',
    'x = b"x" * 300_000_000\nimport time; time.sleep(3)',
    {},
    { reason: 'memory' },
  ],
  [
    'memory of children counts together',
    'import os, time\nfor _ in range(4):\n  if os.fork() == 0:\n    x = b"x" * 40_000_000; time.sleep(5); os._exit(0)\ntime.sleep(5)',
    { limits: { memoryBytes: 100 * MIB } },
    { reason: 'memory' },
  ],
  [
    'temporary files count as memory',
    'import time\nfor n in range(4):\n  with open(f"/tmp/{n}", "wb") as f: f.write(b"x" * 15_000_000)\ntime.sleep(3)',
    { limits: { memoryBytes: 40 * MIB } },
    { reason: 'memory' },
  ],
  [
    'a terabyte mapped and untouched is no use of memory',
    'import mmap; m = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000); print(len(m) >> 40)',
    {},
    { reason: 'exited', code: 0 },
  ],
  [
    'writing past the output limit ends by it',
    'print("x" * 3_000_000)',
    { limits: { outputBytes: 1000 } },
    { reason: 'output', stdoutTruncated: true, stderrTruncated: false },
  ],
  [
    'standard error has the same limit',
    'import sys; sys.stderr.write("x" * 3_000_000)',
    { limits: { outputBytes: 1000 } },
    { reason: 'output', stderrTruncated: true, stdoutTruncated: false },
  ],
  [
    'output up to the limit is no offence',
    'import sys; sys.stdout.write("x" * 1000)',
    { limits: { outputBytes: 1000 } },
    { reason: 'exited', code: 0, stdoutTruncated: false },
  ],
];

/** Programs that try what they may not: [sentence, program, what it must print]. */
const ATTEMPTS: [string, string, string][] = [
  [
    'sees only its own processes',
    'import os; n = {int(n) for n in os.listdir("/proc") if n.isdigit()}; print(n == {1, os.getpid()}, os.getpid() != 1)',
    'True True',
  ],
  [
    'has no capability and cannot gain one',
    'print({l.split()[1] for l in open("/proc/self/status") if l.startswith("Cap")})',
    "{'0000000000000000'}",
  ],
  [
    'has no_new_privs and a system-call filter',
    'print([l.split()[1] for l in open("/proc/self/status") if l.startswith(("NoNewPrivs", "Seccomp:"))])',
    "['1', '2']",
  ],
  [
    'is not root',
    'import os; print(0 in os.getresuid() + os.getresgid(), [g for g in os.getgroups() if g not in (65534, os.getgid())])',
    'False []',
  ],
  ['cannot write the root', 'try: open("/x", "w")\nexcept OSError as e: print(e.errno)', '30'],
  [
    'cannot write its own interpreter',
    'import os, sys\ntry: open(os.path.realpath(sys.executable), "r+b")\nexcept OSError as e: print(e.errno in (13, 30, 26))',
    'True',
  ],
  [
    'reaches no network',
    'import socket\ns = socket.socket()\ntry: s.connect(("1.1.1.1", 80))\nexcept OSError as e: print(e.errno)',
    '101',
  ],
  [
    'has its own loopback',
    'import socket\na = socket.create_server(("127.0.0.1", 0)); b = socket.create_connection(a.getsockname()); a.accept()[0].send(b"ok"); print(b.recv(2).decode())',
    'ok',
  ],
  [
    'opens no other family of sockets',
    'import socket\nfor f in (16, 17, 38, 40):\n  try: socket.socket(f, socket.SOCK_RAW); print(f)\n  except OSError as e: pass\nprint("none")',
    'none',
  ],
  [
    'makes no namespace',
    'import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.unshare(0x10000000), ctypes.get_errno(), l.syscall(56, 0x10000011, 0, 0, 0, 0), ctypes.get_errno())',
    '-1 1 -1 1',
  ],
  [
    'mounts nothing',
    'import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.mount(b"x", b"/tmp", b"tmpfs", 0, None), ctypes.get_errno())',
    '-1 1',
  ],
  [
    'cannot look into or signal process 1',
    'import os\nfor p in ("fd", "environ", "maps", "root", "cwd", "mem"):\n  try: os.listdir("/proc/1/" + p) if p == "fd" else os.readlink("/proc/1/" + p) if p in ("root", "cwd") else open("/proc/1/" + p).read(1); print(p)\n  except OSError: pass\ntry: os.kill(1, 9)\nexcept OSError: pass\nprint("alive")',
    'alive',
  ],
  [
    'cannot change the limits of process 1',
    'import resource\ntry: print(resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3)))\nexcept OSError as e: print(e.errno)',
    '1',
  ],
  [
    'cannot slow process 1 down',
    'import os\nfor f in (lambda: os.setpriority(0, 1, 19), lambda: os.setpriority(2, 0, 19), lambda: os.sched_setaffinity(1, {0})):\n  try: f(); print("did")\n  except OSError as e: print(e.errno)',
    '1\n1\n1',
  ],
  [
    'has no settings of the kernel to write',
    'import os; print(os.path.exists("/proc/sys"), os.path.exists("/proc/sysrq-trigger"), os.path.exists("/sys"), os.path.exists("/proc/kcore"))',
    'False False False False',
  ],
  [
    'finds nothing of the host in /etc',
    'import os; print(os.path.exists("/etc/shadow"), os.path.exists("/etc/machine-id"), os.uname().nodename)',
    'False False runlane',
  ],
  [
    'has no environment but its own',
    'import os; print(sorted(k for k in os.environ if k != "PYTHONHASHSEED"))',
    "['HOME', 'LANG', 'PATH', 'PYTHONDONTWRITEBYTECODE', 'PYTHONUNBUFFERED']",
  ],
  [
    'inherits only its three streams',
    'import os; print([n for n in range(1000) if os.path.exists(f"/proc/self/fd/{n}")])',
    '[0, 1, 2]',
  ],
  ['sees no group of the host', 'print({l.rstrip().split(":")[2] for l in open("/proc/self/cgroup")})', "{'/'}"],
  [
    'gets "no space" when its folder is full',
    'try:\n  with open("x", "wb", 0) as f:\n    while True: f.write(b"x" * 65536)\nexcept OSError as e: print(e.errno)',
    '28',
  ],
  [
    'gets "no space" past its number of files',
    'try:\n  for n in range(10**6): open(f"/tmp/{n}", "w").close()\nexcept OSError as e: print(e.errno)',
    '28',
  ],
  [
    'gets "too many files" past its descriptors',
    'import os\ntry:\n  while True: os.dup(0)\nexcept OSError as e: print(e.errno)',
    '24',
  ],
  [
    'cannot raise its limits',
    'import resource\ntry: resource.setrlimit(resource.RLIMIT_NOFILE, (100000, 100000))\nexcept (ValueError, OSError): print("no")',
    'no',
  ],
  [
    'may use threads, processes, shared memory and terminals',
    'import multiprocessing as m, os, pty, threading, concurrent.futures as c\nt = threading.Thread(target=print, args=("thread",)); t.start(); t.join()\nv = m.Value("i", 0)\ndef f():\n  v.value = 5\np = m.Process(target=f); p.start(); p.join(); print(v.value, bool(pty.openpty()))',
    'thread\n5 True',
  ],
  [
    "cannot watch what others open and run, nor use up the host's watches",
    'import ctypes, errno, os\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.inotify_init(), errno.errorcode.get(ctypes.get_errno()))',
    '-1 EPERM',
  ],
  [
    'cannot have the kernel hold more for its sockets',
    'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nbefore = s.getsockopt(1, 8); s.setsockopt(1, 8, 1 << 22); print(s.getsockopt(1, 8) == before)',
    'True',
  ],
  [
    'may open its streams by name',
    'import subprocess\nprint(subprocess.run("echo out > /dev/stdout; echo err > /dev/stderr", shell=True).returncode)',
    'out\n0',
  ],
  [
    'may make and run programs in its folder',
    'import os, subprocess\nopen("a.sh", "w").write("#!/bin/sh\\necho made"); os.chmod("a.sh", 0o755); print(subprocess.run(["./a.sh"], capture_output=True, text=True).stdout.strip())',
    'made',
  ],
];

const MANY = 20_000;
const FILL = `import os, time
def fill(count, name):
  for n in range(count): os.close(os.open(f"{n}{name}", os.O_CREAT | os.O_WRONLY))
os.chdir("out")`;
/** [what they are like, how many do not come back where all drivers agree, the program that makes them]. */
const LEFT_BEHIND: [string, number | undefined, string][] = [
  ['with long names', MANY - 4, `${FILL}\nfill(${MANY}, "n" * 200)`],
  [
    'with paths that are too long',
    MANY,
    `${FILL}\nfor _ in range(4): os.mkdir("d" * 250); os.chdir("d" * 250)\nfill(${MANY}, "n" * 200)`,
  ],
  [
    'that are closed to their owner',
    undefined,
    `${FILL}\nfill(${MANY}, ""); os.mkdir("d"); os.chmod("d", 0)\nfor n in os.listdir(): os.chmod(n, 0)`,
  ],
];

export interface Exceptions {
  /** Sentence of a program's attempt → why this driver cannot keep it. Also said in the driver's own page of the docs. */
  readonly cannot?: Readonly<Record<string, string>>;
}

export function testSandbox(name: string, opened: () => Promise<Sandbox>, { cannot = {} }: Exceptions = {}): void {
  const sentences = ATTEMPTS.map(([sentence]) => sentence);
  const unknown = Object.keys(cannot).filter((sentence) => !sentences.includes(sentence));
  if (unknown.length > 0) throw new Error(`no such attempts: ${unknown.join('; ')}`);
  describe(`the ${name} sandbox`, () => {
    let sandbox: Sandbox;
    before(async () => {
      sandbox = await opened();
    });
    after(() => sandbox?.close());
    const python = (code: string, given?: Given): Promise<Outcome> => runPython(sandbox, code, given);

    for (const [sentence, code, given, expected] of ENDINGS) {
      test(sentence, async () => {
        const { end } = await python(code, given);
        for (const [field, value] of Object.entries(expected)) {
          assert.equal(end[field as keyof RunEnd], value, `${field} of ${JSON.stringify(end)}`);
        }
      });
    }

    for (const [sentence, code, expected] of ATTEMPTS) {
      const reason = cannot[sentence];
      // Children stay below the polling limits, so that what is tried is what is seen.
      const attempt = () => python(code, { limits: { diskBytes: 8 * MIB } });
      if (reason === undefined) {
        test(`a program ${sentence}`, async () => {
          const { text, stderr } = await attempt();
          assert.equal(text, expected, stderr.toString());
        });
      } else {
        test(`not kept by this driver: a program ${sentence} (${reason})`, async () => {
          const { text, stderr } = await attempt();
          assert.notEqual(text, expected, 'it is kept after all: take it off the list');
          // Something else went wrong then, which is no exception.
          assert.equal(stderr.toString(), '');
        });
      }
    }

    test('a program gets its arguments, variables, input and files', async () => {
      const code = 'import sys, os, pkg.more; print(sys.argv, os.environ["KEY"], input(), pkg.more.x, os.getcwd())';
      const given = {
        args: ['a b', '$(x)', '-v', ''],
        env: { KEY: 'v=1' },
        stdin: 'line\nrest',
        files: { 'pkg/more.py': 'x = 5' },
      };
      assert.equal((await python(code, given)).text, "['main.py', 'a b', '$(x)', '-v', ''] v=1 line 5 /work");
    });

    test('bytes come and go as they are', async () => {
      const every = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
      const { stdout } = await python('import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())', { stdin: every });
      assert.deepEqual(stdout, every);
    });

    test('a program that does not read its input is not held up by it, and neither are we', async () => {
      const { end } = await python('import os; os.close(0)', { stdin: Buffer.alloc(1_000_000) });
      assert.equal(end.code, 0);
    });

    test('megabytes of input arrive whole', async () => {
      const { text } = await python('import sys; print(len(sys.stdin.buffer.read()))', {
        stdin: Buffer.alloc(3_000_000),
      });
      assert.equal(text, '3000000');
    });

    test('the traceback of a program is its own', async () => {
      const { stderr } = await python('def f():\n  raise KeyError("k")\nf()');
      assert.match(
        stderr.toString(),
        /^Traceback \(most recent call last\):\n {2}File "\/work\/main.py", line 3[\s\S]*KeyError: 'k'\n$/,
      );
    });

    test('the first bytes of too much output are kept, and no more', async () => {
      const { stdout } = await python('while True: print("0123456789", end="")', { limits: { outputBytes: 12_345 } });
      assert.equal(stdout.toString(), '0123456789'.repeat(1235).slice(0, 12_345));
    });

    test('a print is seen while the program still runs', async () => {
      const run = await open(sandbox, 'import time; print("first"); time.sleep(60)');
      run.go();
      const started = performance.now();
      for await (const event of run.events()) {
        if (event.kind !== 'stdout') continue;
        assert.equal(event.data.toString().trim(), 'first');
        break;
      }
      assert.ok(performance.now() - started < 5000);
    });

    test('input may be given while the program runs', async () => {
      const run = await open(sandbox, 'for line in iter(input, "end"): print(line.upper())');
      run.go();
      await run.writeStdin(Buffer.from('one\n'));
      await sleep(50);
      await run.writeStdin(Buffer.from('two\nend\n'));
      assert.equal((await collect(run)).text, 'ONE\nTWO');
    });

    test('a program can be interrupted and terminated', async () => {
      // Short sleeps: a signal that comes just before a long one would be seen only after it.
      const waits =
        'import time\ntry:\n  print("up")\n  while True: time.sleep(0.01)\nexcept KeyboardInterrupt: print("interrupted")';
      for (const [name, code, signal] of [
        ['SIGINT', 0, null],
        ['SIGTERM', null, 'SIGTERM'],
        ['SIGKILL', null, 'SIGKILL'],
      ] as const) {
        const run = await open(sandbox, waits);
        run.go();
        let end: RunEnd | undefined;
        for await (const event of run.events()) {
          // It is where it can be interrupted: not before, however slow the machine is.
          if (event.kind === 'stdout' && event.data.toString().startsWith('up')) run.signal(name);
          else if (event.kind === 'exited') end = event.end;
        }
        assert.deepEqual([end?.reason, end?.code, end?.signal], ['exited', code, signal]);
      }
    });

    testTerminal(() => sandbox);

    test('a wall limit is held, and the time is reported', async () => {
      const { end } = await python('import time; time.sleep(60)', { limits: { wallTimeMs: 400 } });
      assert.ok(end.wallMs >= 400 && end.wallMs < 900, `${end.wallMs} ms`);
      // Results hold whole numbers.
      assert.ok(Number.isInteger(end.wallMs) && Number.isInteger(end.cpuMs), `${end.wallMs}, ${end.cpuMs} ms`);
      assert.ok(end.cpuMs < 300, `${end.cpuMs} ms of CPU`);
    });

    test('CPU time and peak memory are reported', async () => {
      const { end } = await python(
        'x = b"x" * 50_000_000\nimport time\nt = time.process_time()\nwhile time.process_time() < t + 0.2: pass',
      );
      assert.ok(end.cpuMs >= 200 && end.cpuMs < 2000, `${end.cpuMs} ms`);
      assert.ok(end.memoryPeakBytes > 50_000_000 && end.memoryPeakBytes < 120_000_000, `${end.memoryPeakBytes} bytes`);
    });

    test('a program that is not there is our error, not an exit code', async () => {
      const run = await sandbox.open({
        language: 'python',
        argv: ['/usr/bin/no-such-program'],
        env: {},
        files: [],
        collect: 'out',
        limits: {
          wallTimeMs: 1000,
          cpuTimeMs: 1000,
          memoryBytes: MIB * 64,
          outputBytes: 10,
          processes: 5,
          openFiles: 16,
          fileBytes: 10,
          diskBytes: 8192,
          inodes: 16,
          producedFiles: 1,
          producedBytes: 1,
        },
      });
      run.go();
      await assert.rejects(collect(run), /cannot start/);
    });

    test('a fork bomb ends, its neighbour does not notice, and nothing is left', async () => {
      const bomb = python('import os\nwhile True:\n  try: os.fork()\n  except OSError: pass', {
        limits: { wallTimeMs: 1500, cpuTimeMs: 60_000 },
      });
      await sleep(300);
      const neighbour = await python('import os\nif os.fork() == 0: os._exit(0)\nprint(os.wait()[1])');
      assert.equal(neighbour.text, '0');
      assert.ok(['wall', 'memory', 'cpu'].includes((await bomb).end.reason));
      await nothingLeft(sandbox);
    });

    test('a daemon does not outlive its program, nor hold up its answer', async () => {
      const mark = `mark${Math.random()}`;
      const code = `import os, sys, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    os.execv(sys.executable, ["${mark}", "-c", "import time; time.sleep(60)"])\n  os._exit(0)\nos.wait(); time.sleep(0.1); print("done")`;
      const started = performance.now();
      assert.equal((await python(code)).text, 'done');
      assert.ok(performance.now() - started < 5000);
      await gone(mark);
    });

    test('a run that is closed leaves no process', async () => {
      const mark = `mark${Math.random()}`;
      const code = `import os, sys\nprint("up")\nfor _ in range(3): os.fork()\nos.execv(sys.executable, ["${mark}", "-c", "import time; time.sleep(60)"])`;
      const run = await open(sandbox, code);
      run.go();
      for await (const event of run.events()) if (event.kind === 'stdout') break;
      await gone(mark);
    });

    test('a run that is never started can be closed', async () => {
      (await open(sandbox, 'print(1)')).close();
      await nothingLeft(sandbox);
    });

    test('a program whose own files are more than its memory ends by that, however many are still to come', async () => {
      const files = { large: Buffer.alloc(48 * MIB, 'x'), small: 'x', last: 'x' };
      const { end } = await python('import time; time.sleep(5)', { files, limits: { memoryBytes: 8 * MIB } });
      assert.equal(end.reason, 'memory');
    });

    test('what a program leaves in its folder comes back, whatever mode it has', async () => {
      const code =
        'import os\nos.makedirs("out/b")\nfor name, mode in ("a", 0), ("b/c", 0o755):\n' +
        '  with open("out/" + name, "w") as f: f.write(name)\n  os.chmod("out/" + name, mode)';
      const run = await open(sandbox, code);
      run.go();
      run.closeStdin();
      const files: unknown[] = [];
      for await (const event of run.events())
        if (event.kind === 'file') files.push([event.path, event.executable, event.data.toString()]);
      assert.deepEqual(files, [
        ['a', false, 'a'],
        ['b/c', true, 'b/c'],
      ]);
    });

    test('no file comes back where none may, and none whose name holds a backslash', async () => {
      const code = 'open("out/a", "w"); open("out/b\\\\c", "w")';
      const { end } = await python(code, { limits: { producedFiles: 0, producedBytes: 0 } });
      assert.deepEqual([end.reason, end.filesOmitted], ['exited', 2]);
      assert.equal((await python(code)).end.filesOmitted, 1);
    });

    for (const [like, omitted, program] of LEFT_BEHIND) {
      test(`a program that leaves very many files ${like} gets its verdict soon`, async () => {
        const limits = {
          inodes: 65_536,
          memoryBytes: 1024 * MIB,
          wallTimeMs: 60_000,
          cpuTimeMs: 60_000,
          producedFiles: 4,
        };
        const { end, text, stderr } = await python(`${program}\nprint(time.time())`, { limits });
        const tookMs = Date.now() - Number(text) * 1000;
        assert.deepEqual(
          [end.reason, end.code, end.filesOmitted],
          ['exited', 0, omitted ?? end.filesOmitted],
          stderr.toString(),
        );
        assert.ok(tookMs < 20_000, `${tookMs} ms after its end`);
      });
    }

    test('a slow reader slows the program, and loses nothing', async () => {
      const run = await open(sandbox, 'import sys\nfor n in range(40): sys.stdout.write(f"{n:>65535}\\n")', {
        limits: { outputBytes: 8 * MIB },
      });
      run.go();
      run.closeStdin();
      const chunks: Buffer[] = [];
      for await (const event of run.events()) {
        if (event.kind === 'stdout') chunks.push(event.data);
        if (chunks.length < 8) await sleep(30);
      }
      assert.equal(Buffer.concat(chunks).length, 40 * 65_536);
    });

    test('two runs share no file, no shared memory and no process', async () => {
      await python('open("/tmp/a", "w"); open("/dev/shm/a", "w"); open("/work/a", "w")');
      const { text } = await python(
        'import os; print(os.listdir("/tmp"), os.listdir("/dev/shm"), sorted(os.listdir("/work")))',
      );
      assert.equal(text, "[] [] ['main.py', 'out']");
    });

    test('many runs at once each get their own answer', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => python(`print(${n} * 7)`)));
      assert.deepEqual(
        answers.map(({ text }) => text),
        Array.from({ length: 12 }, (_, n) => String(n * 7)),
      );
    });
  });
}

/** Wait until no process of the machine has this name. */
async function gone(mark: string): Promise<void> {
  const deadline = performance.now() + 3000;
  for (;;) {
    const found = await withCommand(mark);
    if (found.length === 0) return;
    assert.ok(performance.now() < deadline, `still there: ${found}`);
    await sleep(20);
  }
}

async function withCommand(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => lines[index]?.startsWith(mark));
}

/** The sandbox still serves. */
async function nothingLeft(sandbox: Sandbox): Promise<void> {
  assert.equal((await runPython(sandbox, 'print("still here")')).text, 'still here');
}
