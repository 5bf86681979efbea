/** Languages by their manifests alone: made up here, and run by a real host. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import { fillCommand } from './command.js';
import { ask, beginOn, bundleOf, finish, type Host, refusal, startHost, stopHost } from './host.fixture.js';

const BASH = { tools: { bash: ['/usr/bin/bash', '/bin/bash'] } };
const VERSION = { argv: ['{bash}', '--version'], pattern: 'version (\\d+\\.\\d+)' };
const PLAIN = { ...BASH, entry: 'main.sh', run: { argv: ['{bash}', '{entry}', '{args}'] } };
const MANIFESTS: Record<string, object> = {
  /** What compiling makes is a copy; a source that says so makes it fail, or last for ever. */
  compiled: {
    ...BASH,
    entry: 'main.src',
    sources: ['*.src'],
    compile: {
      argv: ['{bash}', '-c', 'source "$1"; cp "$@" "$0"', '{out}', '{sources}'],
      limits: { wallTimeMs: 2_000 },
    },
    run: { argv: ['{bash}', '{out}/{entry}', '{args}'] },
  },
  plain: PLAIN,
  'plain-again': { ...PLAIN, title: 'the same, in other words', aliases: ['again'] },
  'plain-with-env': { ...PLAIN, env: { WORD: 'x' } },
  'plain-with-more-to-see': { ...PLAIN, shows: ['/usr/share/no-such-*'] },
  'plain-with-a-file': PLAIN,
  prepared: {
    ...BASH,
    entry: 'main.sh',
    setup: { argv: ['{bash}', 'make.sh', '{out}'] },
    run: { argv: ['{bash}', '{setup}/lib/greet.sh'] },
  },
  unprepared: {
    ...BASH,
    entry: 'main.sh',
    setup: { argv: ['{bash}', '-c', 'echo no >&2; exit 4'] },
    run: { argv: ['{bash}'] },
  },
  /** The command writes elsewhere than the run looks. */
  misplaced: {
    ...BASH,
    entry: 'main.src',
    sources: ['*.src'],
    compile: { argv: ['{bash}', '-c', 'echo done; cp "$1" "$0/$(head -n 1 "$1")"', '{out}', '{sources}'] },
    run: { argv: ['{out}/program'] },
  },
  absent: {
    tools: { none: ['/usr/bin/no-such-tool'] },
    packages: ['no-such'],
    entry: 'x',
    version: { argv: ['{none}'], pattern: '(.)' },
    run: { argv: ['{none}'] },
  },
};

let folder: string;
let host: Host;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-languages-test-'));
  // The jail is another user where this is root.
  if (process.getuid?.() === 0) await chmod(folder, 0o777);
  const languagesDir = join(folder, 'languages');
  for (const [name, manifest] of Object.entries(MANIFESTS)) {
    await mkdir(join(languagesDir, name), { recursive: true });
    const text = JSON.stringify({ name, title: name, version: VERSION, ...manifest });
    await writeFile(join(languagesDir, name, 'runner.json'), text);
  }
  await mkdir(join(languagesDir, 'prepared', 'setup', 'more'), { recursive: true });
  await writeFile(join(languagesDir, 'prepared', 'setup', 'more', 'word'), 'made');
  await mkdir(join(languagesDir, 'plain-with-a-file', 'setup'));
  await writeFile(join(languagesDir, 'plain-with-a-file', 'setup', 'file'), '');
  await writeFile(
    join(languagesDir, 'prepared', 'setup', 'make.sh'),
    'sleep 1; mkdir "$1/lib"; echo "echo $(cat more/word) before" > "$1/lib/greet.sh"',
  );
  host = await startHost(folder, { LANGUAGES_DIR: languagesDir });
  await settled();
});
after(async () => {
  await stopHost(host);
  await rm(folder, { recursive: true, force: true });
});

const describe = (client = host.client) =>
  ask<runner.DescribeResponse>(client, (asked, done) => asked.describe({}, done));

/** Wait until nothing is being set up any more. */
async function settled(client = host.client): Promise<void> {
  while (
    (await describe(client)).languages.some(({ unavailableReason }) => unavailableReason.includes('being set up'))
  );
}

const prepare = (language: string, files: Record<string, string>, more: Partial<runner.PrepareRequest> = {}) =>
  ask<runner.PrepareResponse>(host.client, (client, done) =>
    client.prepare(
      {
        ...runner.PrepareRequest.fromPartial({}),
        language,
        entry: Object.keys(files)[0] ?? '',
        bundle: bundleOf(files),
        ...more,
      },
      done,
    ),
  );

async function run(language: string, files: Record<string, string>, more: Partial<runner.Start> = {}) {
  const { artifactDigest, compile } = await prepare(language, files);
  assert.notEqual(artifactDigest, '', compile?.diagnostics.toString());
  return finish(beginOn(host.client, artifactDigest, { language, entry: Object.keys(files)[0] ?? '', ...more }));
}

test('placeholders are whole words or parts of words, and what is no placeholder stays', () => {
  const given = {
    tools: { cc: '/usr/bin/cc' },
    toolchain: 't',
    entry: 'a/-b.c',
    args: ['{out}', ''],
    sources: ['-x.c'],
  };
  assert.deepEqual(fillCommand(['{cc}', '-o={out}/{stem}', '{sources}', '{args}', '{setup}', '{else}', '{}'], given), [
    '/usr/bin/cc',
    '-o=/work/.build/a/-b',
    './-x.c',
    '{out}',
    '',
    '/toolchains/t',
    '{else}',
    '{}',
  ]);
});

test('a file of the client is never read as anything else, and keeps its usual name', () => {
  const usual = ['main.c', 'a/-b.c', '_x.c', '2/inspect'];
  const unusual = ['-x.c', '@x.c', '|id.sql', '.c', 'ä.c', 'inspect'];
  assert.deepEqual(fillCommand(['{sources}'], { tools: {}, sources: [...usual, ...unusual] }), [
    ...usual,
    ...unusual.map((path) => `./${path}`),
  ]);
  assert.deepEqual(fillCommand(['.read {entry}'], { tools: {}, entry: '|id.sql' }), ['.read ./|id.sql']);
  const stems = ['Main.java', '-x.java', '@x.java'].map((entry) => fillCommand(['{stem}'], { tools: {}, entry }));
  assert.deepEqual(stems.flat(), ['Main', './-x', './@x']);
});

test('what a manifest says, shows and brings along names the toolchain: what was compiled before is compiled again', async () => {
  const { languages } = await describe();
  const digests = ['plain', 'plain-again', 'plain-with-env', 'plain-with-more-to-see', 'plain-with-a-file'].map(
    (name) => languages.find((each) => each.name === name)?.toolchain.slice(-8),
  );
  assert.equal(digests[0], digests[1]);
  assert.equal(new Set(digests).size, 4);
});

test('a language whose tools are not there is described with the reason and the way out', async () => {
  const absent = (await describe()).languages.find(({ name }) => name === 'absent');
  assert.match(absent?.unavailableReason ?? '', /\/usr\/bin\/no-such-tool not found.*apt-get install no-such/);
  assert.equal((await refusal(prepare('absent', { x: '' }))).code, status.NOT_FOUND);
});

test('what compiling makes is there when the program runs, beside its own files', async () => {
  const files = { 'main.src': 'if [ -z "$0" ]; then :; fi; cat data/x 2>/dev/null || true', 'data/x': 'beside\n' };
  const { stdout, exited } = await run('compiled', files);
  assert.deepEqual([exited.exitCode, stdout], [0, 'beside\n']);
});

test('the same sources make the same artifact', async () => {
  const files = { 'main.src': 'echo 1', 'b.src': 'echo 2' };
  assert.equal((await prepare('compiled', files)).artifactDigest, (await prepare('compiled', files)).artifactDigest);
});

test('a compiler that refuses is heard', async () => {
  const { artifactDigest, compile } = await prepare('compiled', { 'main.src': 'echo line 1: bad >&2; exit 2' });
  assert.deepEqual([artifactDigest, compile?.exitCode], ['', 2]);
  assert.equal(compile?.diagnostics.toString(), 'line 1: bad\n');
});

test('a compiler that is content and leaves nothing has made no program', async () => {
  const { artifactDigest, compile } = await prepare('compiled', { 'main.src': 'echo warning; exit 0' });
  assert.deepEqual([artifactDigest, compile?.exitCode], ['', 0]);
  assert.match(compile?.diagnostics.toString() ?? '', /^warning\n\nthe compile command wrote nothing to \{out\}, so/);
});

test('a program that cannot be started is refused with its name, and not as a fault that may pass', async () => {
  for (const [made, reason] of [
    ['elsewhere', 'No such file or directory'],
    ['program', 'Permission denied'],
  ] as const) {
    const refused = await refusal(run('misplaced', { 'main.src': made }));
    assert.deepEqual(
      [refused.code, refused.details],
      [status.INVALID_ARGUMENT, `cannot start /work/.build/program: ${reason}`],
    );
  }
});

test('a compiler has limits, which a client may lower', async () => {
  const endless = { 'main.src': 'while true; do :; done' };
  const own = await prepare('compiled', endless);
  assert.deepEqual([own.artifactDigest, own.compile?.exitCode], ['', undefined]);
  assert.match(own.compile?.diagnostics.toString() ?? '', /limits\.compile\.wallTimeMs/);
  const lowered = await prepare('compiled', endless, { limits: { wallTimeMs: 300 } });
  assert.ok((lowered.compile?.wallTimeMs ?? 0) < 1_900, `${lowered.compile?.wallTimeMs} ms`);
  const raised = await refusal(prepare('compiled', endless, { limits: { wallTimeMs: 2_001 } }));
  assert.deepEqual([raised.code, /limits\.wallTimeMs/.test(raised.details)], [status.INVALID_ARGUMENT, true]);
});

test('what a caller leaves behind is not compiled on', async () => {
  const call = host.client.prepare(
    {
      ...runner.PrepareRequest.fromPartial({}),
      language: 'compiled',
      entry: 'main.src',
      bundle: bundleOf({ 'main.src': 'sleep 60' }),
    },
    () => {},
  );
  while ((await describe()).freeSlots === 2);
  call.cancel();
  while ((await describe()).freeSlots < 2);
});

test("the compiler's folder is its own", async () => {
  const refused = await refusal(prepare('compiled', { 'main.src': '', '.build/x': '' }));
  assert.deepEqual([refused.code, /\.build/.test(refused.details)], [status.INVALID_ARGUMENT, true]);
});

test('what a toolchain needs is made once, and found by every program', async () => {
  assert.equal((await run('prepared', { 'main.sh': '' })).stdout, 'made before\n');
  const unprepared = (await describe()).languages.find(({ name }) => name === 'unprepared');
  assert.match(unprepared?.unavailableReason ?? '', /could not be set up/);
  assert.ok(
    host.logged.some((line) => line.includes('exit 4') && line.includes('no\\n')),
    'the log says why',
  );
});

test('two runners that make the same at once in one folder are in nobody’s way, and leave it once', async () => {
  const shared = join(folder, 'shared');
  await mkdir(join(shared, 'toolchains'), { recursive: true });
  if (process.getuid?.() === 0) for (const each of [shared, `${shared}/toolchains`]) await chmod(each, 0o777);
  const env = {
    LANGUAGES_DIR: join(folder, 'languages'),
    LANGUAGES: 'prepared',
    TOOLCHAINS_DIR: `${shared}/toolchains`,
  };
  const hosts = await Promise.all([startHost(shared, env), startHost(shared, env)]);
  try {
    for (const { client } of hosts) {
      await settled(client);
      const { languages } = await describe(client);
      assert.deepEqual(
        languages.map(({ name, unavailableReason }) => [name, unavailableReason]),
        [['prepared', '']],
      );
    }
    const [made, ...others] = await readdir(`${shared}/toolchains`);
    assert.match(made ?? '', /^prepared-[^.]+\.[^.]+$/);
    assert.deepEqual(others, []);
  } finally {
    await Promise.all(hosts.map(stopHost));
  }
});

test('files in out come back: plain ones, in order, up to the limits', async () => {
  const script =
    'cd out; mkdir -p b/c; printf two > b/c/2; printf one > a; ln -s /etc/passwd link; mkfifo pipe; : > empty; chmod 0 a; printf xxxxx > z';
  const all = await run('plain', { 'main.sh': script });
  assert.deepEqual(
    Object.entries(all.files).map(([path, content]) => [path, content.toString()]),
    [
      ['a', 'one'],
      ['b/c/2', 'two'],
      ['empty', ''],
      ['z', 'xxxxx'],
    ],
  );
  assert.equal(all.exited.filesOmitted, 2, 'the link and the pipe');
  const two = await run('plain', { 'main.sh': script }, { limits: { producedFiles: 2 } });
  assert.deepEqual([Object.keys(two.files), two.exited.filesOmitted], [['a', 'b/c/2'], 4]);
  const few = await run('plain', { 'main.sh': script }, { limits: { producedBytes: 6 } });
  assert.deepEqual([Object.keys(few.files), few.exited.filesOmitted], [['a', 'b/c/2', 'empty'], 3]);
});

test('a folder out that is taken away, replaced or deep brings nothing and harms nothing', async () => {
  for (const script of ['rmdir out', 'rmdir out; ln -s /etc out', 'rmdir out; echo x > out']) {
    const { files, exited } = await run('plain', { 'main.sh': script });
    assert.deepEqual([exited.exitCode, Object.keys(files)], [0, []], script);
  }
  const deep = 'cd out; for n in {1..40}; do mkdir d; cd d; done; echo x > x';
  assert.deepEqual((await run('plain', { 'main.sh': deep })).files, {});
});

test('large files come back whole', async () => {
  const { files } = await run('plain', { 'main.sh': 'head -c 5000001 /dev/zero > out/zeros' });
  assert.equal(files.zeros?.length, 5_000_001);
});

test('what is compiled may lie as deep below its folder as sources may, and is run', async () => {
  const deep = 'a/b/c/d/e/f/g/h.src';
  const script = `if [ "$1" ]; then mkdir -p $0/a/b/c/d/e/f/g; cp ${deep} $0/${deep}; else cat .build/${deep}; fi`;
  const { stdout } = await run('compiled', { 'main.src': script, [deep]: 'echo deep' });
  assert.equal(stdout, 'echo deep');
});
