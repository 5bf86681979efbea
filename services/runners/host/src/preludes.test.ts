/**
 * A program means the same in the process that waited for it as in one that is started for it: each is run both ways, and all
 * that a client is told must be equal.
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLog } from '@runlane/core';
import { readBundle } from './check.js';
import { fillCommand, OUT_FOLDER } from './command.js';
import { compile } from './compile.js';
import { findLanguages, type Languages } from './languages.js';
import { readManifests } from './manifest.js';
import { createPreludes, type LateRun, type Preludes } from './preludes.js';
import { createJail } from './sandbox/jail/driver.js';
import { launchJail } from './sandbox/jail/launch.js';
import { collect } from './sandbox/sandbox.fixture.js';
import { type Run, type RunLimits, type Sandbox, SandboxError } from './sandbox/sandbox.js';
import { createSetups } from './setups.js';

interface Program {
  /** The one of the manifest when left out. */
  readonly entry?: string;
  readonly files: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly limits?: Partial<RunLimits>;
}

const JAVASCRIPT: Record<string, Program> = {
  'much output at once, by the descriptor': {
    files: {
      'main.js':
        'const fs = require("fs"); console.error(fs.writeSync(1, "x".repeat(300000))); fs.writeFileSync(1, "y".repeat(300000)); require("child_process").spawnSync("head", ["-c", "300000", "/dev/zero"], { stdio: "inherit" })',
    },
  },
  'clocks that begin with the process': {
    files: {
      'main.js':
        'setTimeout(() => console.log(performance.now() < 900, process.uptime() < 0.9, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 50, typeof performance.toJSON().timeOrigin), 10)',
    },
  },
  'words of the command': {
    files: { 'main.js': 'console.log(process.argv, process.execArgv, process.argv0, process.title, __filename)' },
    args: ['one', '', 'two words', 'ünï'],
  },
  'variables, in this process and its children': {
    files: {
      'main.js':
        'console.log(process.env); console.log(String(require("child_process").execFileSync(process.execPath, ["-p", "process.env.A + process.execArgv"])))',
    },
    env: { A: '1', TZ: 'Asia/Tokyo', HOME: '/tmp' },
  },
  'time zone': { files: { 'main.js': 'console.log(String(new Date(0)))' }, env: { TZ: 'America/New_York' } },
  'modules, and who the main one is': {
    files: {
      'main.js': 'console.log(require.main === module, module.paths, Object.keys(require.cache), require("./lib/a"))',
      'lib/a.js': 'module.exports = [module.parent.id, require.main.filename]',
    },
  },
  'an ECMAScript module by its package': {
    files: {
      'main.js': 'import { a } from "./a.mjs"; console.log(a, import.meta.url, await Promise.resolve(2))',
      'a.mjs': 'export const a = 1',
      'package.json': '{"type":"module"}',
    },
  },
  'an error that nobody catches': { files: { 'main.js': 'function f() { throw new TypeError("no") }\nf()' } },
  'a syntax error': { files: { 'main.js': 'let a = ;' } },
  'a rejection that nobody handles': { files: { 'main.js': 'Promise.reject(new Error("no"))' } },
  'a stack as it is printed': { files: { 'main.js': 'console.log(new Error("here").stack)' } },
  'a code to exit with': {
    files: { 'main.js': 'process.on("exit", () => { process.exitCode = 7 }); console.error("e")' },
  },
  'a signal': { files: { 'main.js': 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 5000)' } },
  'a handler of a signal': {
    files: {
      'main.js':
        'process.on("SIGINT", () => { console.log("caught"); process.exit(3) }); process.kill(process.pid, "SIGINT"); setTimeout(() => {}, 5000)',
    },
  },
  'what is in its folders, and what is open': {
    files: {
      'main.js':
        'const fs = require("fs"); console.log(process.cwd(), fs.readdirSync("."), fs.readdirSync("out"), fs.readdirSync("/tmp"), fs.readdirSync("/proc/self/fd").filter((fd) => fd < 3 && fs.existsSync("/proc/self/fd/" + fd)), fs.statSync("main.js").mode.toString(8))',
      'data/a.txt': 'a',
    },
  },
  'standard input': {
    files: {
      'main.js': 'require("readline").createInterface({ input: process.stdin }).on("line", (l) => console.log([l]))',
    },
    stdin: 'one\ntwo',
  },
  'standard input at once': {
    files: { 'main.js': 'console.log(require("fs").readFileSync(0, "utf8"))' },
    stdin: 'all',
  },
  'a worker thread': {
    files: {
      'main.js':
        'const { Worker, isMainThread } = require("worker_threads"); if (isMainThread) new Worker(__filename, { argv: ["x"] }).on("exit", (c) => console.log("exit", c)); else console.log(process.argv, process.execArgv)',
    },
  },
  'a child by fork': {
    files: {
      'main.js':
        'if (process.send) process.send(process.execArgv); else require("child_process").fork(__filename).on("message", (m) => console.log(m))',
    },
  },
  'no main file of that name': { files: { 'main.js': 'require("./absent")' } },
  'files that it leaves': { files: { 'main.js': 'require("fs").writeFileSync("out/a.txt", "left")' } },
  'more output than allowed': {
    files: { 'main.js': 'process.stdout.write("x".repeat(1e6))' },
    limits: { outputBytes: 100 },
  },
};

const JAVA: Record<string, Program> = {
  'an entry in a folder': {
    entry: 'lib/Main.java',
    files: {
      'lib/Main.java':
        'package lib; public class Main { public static void main(String[] a) { System.out.println(Main.class); } }',
    },
  },
  'classes and files that are called as ours': {
    files: {
      'Main.java':
        'public class Main { public static void main(String[] a) { System.out.println(new Warm() + " " + new Prelude() + Main.class.getResource("/Prelude.class")); } }',
      'Warm.java': 'public class Warm { public String toString() { return "mine"; } }',
      'Prelude.java': 'public class Prelude { public String toString() { return "mine"; } }',
    },
  },
  'errors that are suppressed, and cause each other': {
    files: {
      'Main.java':
        'public class Main { public static void main(String[] x) { var a = new RuntimeException("a"); var b = new RuntimeException("b"); var c = new RuntimeException("c"); a.addSuppressed(c); a.initCause(b); b.initCause(a); throw a; } }',
    },
  },
  'words of the command': {
    files: {
      'Main.java':
        'public class Main { public static void main(String[] a) { System.out.println(java.util.Arrays.toString(a) + a.length); } }',
    },
    args: ['one', '', 'two words', 'ünï'],
  },
  'an error that nobody catches': {
    files: {
      'Main.java': `public class Main { static void f() { throw new IllegalStateException("no", new RuntimeException("why")); }
        public static void main(String[] a) { f(); } }`,
    },
  },
  'a code to exit with': {
    files: {
      'Main.java':
        'public class Main { public static void main(String[] a) { System.err.println("e"); System.exit(7); } }',
    },
  },
  'no class of that name': { files: { 'Main.java': 'class Other { public static void main(String[] a) { } }' } },
  'no main method': { files: { 'Main.java': 'public class Main { void run() { } }' } },
  'an error while it is initialised': {
    files: {
      'Main.java':
        'public class Main { static int a = Integer.parseInt("x"); public static void main(String[] b) { } }',
    },
  },
  'an inherited main': {
    files: {
      'Main.java':
        'class Base { public static void main(String[] a) { System.out.println("base"); } } public class Main extends Base { }',
    },
  },
  'a class of a package': {
    files: {
      'Main.java':
        'public class Main { public static void main(String[] a) throws Exception { System.out.println(lib.Greeter.greet() + Class.forName("lib.Greeter")); } }',
      'lib/Greeter.java':
        'package lib; public class Greeter { public static String greet() { return "hi " + Greeter.class.getClassLoader().getClass().getName(); } }',
    },
  },
  'what the program is told of its process': {
    files: {
      'Main.java': `import java.util.*; public class Main { public static void main(String[] a) {
        for (String name : List.of("java.class.path", "user.dir", "sun.java.command", "java.vm.info", "file.encoding", "java.io.tmpdir")) System.out.println(name + "=" + System.getProperty(name));
        System.out.println(new TreeMap<>(System.getenv()) + " " + Thread.currentThread() + Thread.currentThread().getContextClassLoader().getClass()); } }`,
    },
  },
  'what is in its folders': {
    files: {
      'Main.java':
        'import java.io.*; import java.util.*; public class Main { public static void main(String[] a) { for (String f : new String[] {".", "out", "/tmp", ".build"}) { String[] l = new File(f).list(); Arrays.sort(l); System.out.println(f + Arrays.toString(l)); } } }',
    },
  },
  'standard input': {
    files: {
      'Main.java':
        'import java.util.*; public class Main { public static void main(String[] a) { Scanner s = new Scanner(System.in); while (s.hasNextInt()) System.out.println(s.nextInt() * 2); } }',
    },
    stdin: '1 2\n3',
  },
  'threads that outlive main': {
    files: {
      'Main.java':
        'public class Main { public static void main(String[] a) { new Thread(() -> { try { Thread.sleep(50); } catch (InterruptedException e) { } System.out.println("late"); }).start(); throw new RuntimeException("main is over"); } }',
    },
  },
  'a stack without end': {
    files: {
      'Main.java':
        'public class Main { static int f(int n) { return f(n + 1) + 1; } public static void main(String[] a) { try { f(0); } catch (StackOverflowError e) { System.out.println("over"); } } }',
    },
  },
};

const MOST = 2;
const never = new AbortController().signal;
let folder: string;
let sandbox: Sandbox;
let languages: Languages;
let preludes: Preludes;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-preludes-test-'));
  await chmod(folder, 0o755);
  const toolchains = join(folder, 'toolchains');
  await mkdir(toolchains);
  const languagesDir = fileURLToPath(new URL('../../', import.meta.url));
  const socketPath = join(folder, 'jail.sock');
  const extraArguments = ['--toolchains', toolchains];
  const peerUid = process.getuid?.() ?? 0;
  const launched = await launchJail({ socketPath, slots: 4, languagesDir, peerUid, allowWeak: false, extraArguments });
  sandbox = await createJail({ socketPath, lost: launched.lost, stop: launched.stop });
  const log = createLog('test', 'warn');
  const setups = createSetups({ sandbox, languagesDir, folder: toolchains });
  const manifests = await readManifests(languagesDir, ['javascript', 'java']);
  languages = await findLanguages(manifests, { sandbox, languagesDir, setups, log });
  while (languages.unavailable().some(({ reason }) => reason.includes('being set up'))) await sleep(50);
  preludes = createPreludes({ sandbox, setups, most: MOST, log });
});
after(async () => {
  preludes.close();
  await sandbox.close();
  await rm(folder, { recursive: true });
});

for (const [name, programs] of Object.entries({ javascript: JAVASCRIPT, java: JAVA })) {
  describe(`${name}: waited for as started`, () => {
    for (const [title, program] of Object.entries(programs)) {
      test(title, async (t) => {
        const run = await prepare(name, program);
        if (!run) return t.skip(`no ${name} here`);
        const started = await tell(await sandbox.open(run.request), program);
        assert.deepEqual(await tell(await taken(run), program), started);
      });
    }
  });
}

test('the process that waited is another one: its own command tells', async (t) => {
  const program = { files: { 'main.js': 'console.log(require("fs").readFileSync("/proc/self/cmdline", "utf8"))' } };
  const run = await prepare('javascript', program);
  if (!run) return t.skip('no javascript here');
  assert.doesNotMatch((await tell(await sandbox.open(run.request), program)).stdout, /prelude/);
  assert.match((await tell(await taken(run), program)).stdout, /prelude/);
});

test('a run with another entry, or other limits than those it was started with, is started for itself', async (t) => {
  const plain = { files: { 'main.js': '' } };
  const run = await prepare('javascript', plain);
  if (!run) return t.skip('no javascript here');
  const otherLimits = { ...run, request: { ...run.request, limits: { ...run.request.limits, openFiles: 20 } } };
  for (;;) {
    assert.equal(await preludes.take(otherLimits), undefined);
    assert.equal(await preludes.take({ ...run, entry: 'other.js' }), undefined);
    // Those were refused by one that waited.
    const got = await preludes.take(run);
    got?.close();
    if (got) break;
    await sleep(10);
  }
});

test('a run that the process cannot be given any more is started for itself', async (t) => {
  const run = await prepare('javascript', { files: { 'main.js': '' } });
  if (!run) return t.skip('no javascript here');
  const { request } = run;
  const file = (path: string, content: string) => ({ path, content: Buffer.from(content), executable: false });
  const unfit: LateRun[] = [
    { ...run, variables: ['NODE_OPTIONS'] },
    { ...run, variables: ['A', 'LC_ALL'] },
    { ...run, request: { ...request, files: [...request.files, file('out', '')] } },
    { ...run, request: { ...request, files: [...request.files, file('large', 'x'.repeat(2 ** 20 + 1))] } },
    { ...run, request: { ...request, terminal: { rows: 24, columns: 80 } } },
  ];
  for (;;) {
    for (const each of unfit) assert.equal(await preludes.take(each), undefined);
    // Those were refused by one that waited.
    const got = await preludes.take(run);
    got?.close();
    if (got) break;
    await sleep(10);
  }
});

test('a prelude that does not take its run is no end of the run', async (t) => {
  const run = await prepare('javascript', { files: { 'main.js': '' } });
  if (!run || !sandbox.openPrelude) return t.skip('no javascript here');
  const says = (word: string) => ['-e', `fs.writeSync(3, ".");${word}`];
  const node = run.request.argv[0] ?? '';
  const takesNothing = await sandbox.openPrelude({
    ...run.request,
    files: [],
    argv: [node, ...says('fs.readSync(4, Buffer.alloc(9)); process.exit(1)')],
  });
  await assert.rejects(takesNothing.take(run.request), /the prelude failed/);
  const silent = sandbox.openPrelude({ ...run.request, files: [], argv: [node, '-e', ''] });
  await assert.rejects(silent, /the prelude failed/);
});

test('the jail refuses a run whose limits the process that waits does not have', async (t) => {
  const run = await prepare('javascript', { files: { 'main.js': '' } });
  if (!run || !sandbox.openPrelude) return t.skip('no javascript here');
  const { request } = run;
  const prelude = await sandbox.openPrelude({
    ...request,
    files: [],
    argv: [...request.argv.slice(0, 1), '-e', 'fs.writeSync(3, "."); setTimeout(() => {}, 60000)'],
  });
  const larger = { ...request, limits: { ...request.limits, memoryBytes: request.limits.memoryBytes + 4096 } };
  await assert.rejects(
    prelude.take(larger),
    (reason) => reason instanceof SandboxError && /memoryBytes/.test(reason.message),
  );
});

test('a prelude that ends, or cannot be started, is gone; nothing of a run is lost with it', async (t) => {
  const run = await prepare('javascript', { files: { 'main.js': '' } });
  if (!run || !sandbox.openPrelude) return t.skip('no javascript here');
  const node = run.request.argv[0] ?? '';
  const ended = await sandbox.openPrelude({ ...run.request, files: [], argv: [node, '-e', 'fs.writeSync(3, ".")'] });
  await ended.gone;
  await assert.rejects(ended.take(run.request), SandboxError);
  await assert.rejects(sandbox.openPrelude({ ...run.request, argv: ['/usr/bin/no-such-tool'] }), /cannot start/);
});

async function taken(run: LateRun): Promise<Run> {
  for (;;) {
    const got = await preludes.take(run);
    if (got) return got;
    await sleep(10);
  }
}

async function prepare(name: string, program: Program): Promise<LateRun | undefined> {
  const language = languages.choose(name, '');
  if (!language) return undefined;
  const { manifest, tools, toolchain, environment, bounds } = language;
  const { entry = manifest.entry } = program;
  const sources = Object.entries(program.files).map(([path, text]) => ({
    path,
    content: Buffer.from(text),
    executable: false,
  }));
  const { args = [], env = {} } = program;
  let files: LateRun['request']['files'] = sources;
  if (manifest.compile) {
    const { artifact, result } = await compile(sandbox, { language, entry, files: sources, limits: undefined }, never);
    assert.ok(artifact, result.diagnostics.toString());
    files = readBundle(artifact, 'artifact');
  }
  const request = {
    language: name,
    argv: fillCommand(manifest.run.argv, { tools, toolchain, entry, args }),
    env: { ...environment, ...env },
    files,
    collect: OUT_FOLDER,
    limits: { ...bounds.defaults, ...program.limits },
  };
  return { language, entry, variables: Object.keys(env), request };
}

async function tell(run: Run, { stdin = '' }: Program) {
  run.go();
  if (stdin !== '') await run.writeStdin(Buffer.from(stdin));
  run.closeStdin();
  const { end, stdout, stderr } = await collect(run);
  const { reason, code, signal, stdoutTruncated, filesOmitted } = end;
  return { reason, code, signal, stdoutTruncated, filesOmitted, stdout: `${stdout}`, stderr: `${stderr}` };
}
