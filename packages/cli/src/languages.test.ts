/** `runlane languages` as it is called: against a server that only lists, and with an apt-get that only notes its words. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const RUNLANE = fileURLToPath(new URL('../bin/runlane.mjs', import.meta.url));
const NOBODY = 65_534;
/** Installing is for root: as an ordinary user, there is nothing to try but that it refuses. */
const asRoot = { skip: process.getuid?.() !== 0 && 'needs root' };
const language = (name: string, title: string, version: string, unavailableReason?: string) => ({
  name,
  title,
  version,
  aliases: [],
  compiled: false,
  available: unavailableReason === undefined,
  ...(unavailableReason !== undefined && { unavailableReason }),
});
const LISTED = {
  languages: [
    language('cobol', 'COBOL', '', 'not installed: /usr/bin/cobc not found'),
    language('python', 'Python', '3.13.1'),
    language('python', 'Python', '3.11.2'),
  ],
};

let folder: string;
let server: Server;
let url: string;
/** What the server answers. */
let served: { status: number; body: string };
/** How the pretended apt-get ends. */
let aptGetExits: number;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-languages-test-'));
  await chmod(folder, 0o755);
  server = createServer((request, response) => {
    response.writeHead(request.url === '/v1/languages' ? served.status : 404).end(served.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  served = { status: 200, body: JSON.stringify(LISTED) };
  aptGetExits = 0;
  await rm(join(folder, 'words'), { force: true });
  await mkdir(join(folder, 'bin'), { recursive: true });
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" > '${folder}/words'\nexit "$APT_GET_EXITS"\n`;
  await writeFile(join(folder, 'bin/apt-get'), script, { mode: 0o755 });
});

interface How {
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  /** What starts it, in the place of Node itself. */
  readonly through?: readonly string[];
  readonly input?: string;
  /** Written when it has asked. */
  readonly answer?: string;
}

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** `input` undefined: standard input stays open, and nothing ever comes. */
function languages(args: readonly string[], { env = {}, uid, through = [], input, answer }: How = {}): Promise<Ended> {
  const { RUNLANE_URL: _, ...own } = process.env;
  const path = `${folder}/bin:${process.env.PATH}`;
  const [program = '', ...words] = [...through, process.execPath, RUNLANE, 'languages', ...args];
  const options = {
    env: { ...own, PATH: path, APT_GET_EXITS: `${aptGetExits}`, ...env },
    timeout: 30_000,
    ...(uid !== undefined && { uid, gid: uid }),
  };
  return new Promise((resolve) => {
    const child = execFile(program, words, options, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
    if (input !== undefined) child.stdin?.end(input);
    child.stdout?.on('data', (text: string) => {
      if (answer !== undefined && text.includes('[y/N]')) child.stdin?.write(answer);
    });
  });
}

const wordsOfAptGet = async () => (await readFile(join(folder, 'words'), 'utf8')).trim().split('\n');
const notCalled = () => assert.rejects(wordsOfAptGet(), { code: 'ENOENT' });

test('lists what a server has, a line for each language', async () => {
  const { code, stdout } = await languages(['--server', `${url}/`]);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    [
      'name    title   versions        state',
      'cobol   COBOL   –               not installed: /usr/bin/cobc not found',
      'python  Python  3.13.1, 3.11.2  available',
      '',
    ].join('\n'),
  );
});

test('RUNLANE_URL names the server too, and JSON is what the server said', async () => {
  const { code, stdout } = await languages(['--json'], { env: { RUNLANE_URL: url } });
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), LISTED);
});

test('without a server it says how to start one, and lists the checkout: exit code 1', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  const { code, stdout, stderr } = await languages(['--server', `http://127.0.0.1:${port}`]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`no answer from http://127\\.0\\.0\\.1:${port} \\(ECONNREFUSED\\)\n.*npm start`));
  assert.match(stdout, /^cpp +C\+\+ +c\+\+, g\+\+ +g\+\+$/m);
});

test('what answers but is no Runlane is no server, in JSON too', async () => {
  for (const [status, body, problem] of [
    [200, '{"languages":"many"}', /something else/],
    [200, 'null', /something else/],
    [200, 'hello', /something else/],
    [404, '{}', /HTTP 404/],
  ] as const) {
    served = { status, body };
    const { code, stdout, stderr } = await languages(['--server', url, '--json']);
    assert.equal(code, 1);
    assert.match(stderr, problem);
    const { languages: known } = JSON.parse(stdout);
    assert.deepEqual(
      known.find(({ name }: { name: string }) => name === 'ruby'),
      { name: 'ruby', title: 'Ruby', aliases: ['rb'], packages: ['ruby'] },
    );
  }
});

test('wrong usage is exit code 2, and installs nothing', async () => {
  for (const [args, problem] of [
    [['--server', 'nowhere'], /--server must be a URL/],
    [['--server', 'ftp://host'], /--server must be a URL/],
    [['--yes'], /--yes goes with install/],
    [['remove', 'c'], /"remove" is nothing that it does/],
    [['install'], /install what\?/],
    [['install', 'c', '--json'], /neither --server nor --json/],
    [['install', 'c', '--quickly'], /--quickly/],
    [['install', '--yes', 'c', 'cobol', '-rf'], /-r/],
    [['install', '--yes', 'c', 'cobol'], /unknown: cobol\. There are: bash, c, cpp, .*typescript$/m],
    [['install', '--yes', '--', '--purge'], /unknown: --purge/],
    [['install', '--yes', 'host'], /unknown: host/],
  ] as const) {
    const { code, stdout, stderr } = await languages(args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, problem);
    assert.match(stderr, /Usage: runlane languages/);
  }
  const { code, stderr } = await languages([], { env: { RUNLANE_URL: 'nowhere' } });
  assert.equal(code, 2);
  assert.match(stderr, /RUNLANE_URL must be a URL/);
  await notCalled();
});

test('installs the packages of languages by name or alias, each once, and tells to restart', asRoot, async () => {
  const { code, stdout } = await languages(['install', 'TS', 'js', 'gcc', 'c', '--yes']);
  assert.equal(code, 0);
  const words = ['install', '--yes', '--no-install-recommends', 'gcc', 'libc6-dev', 'nodejs', 'node-typescript'];
  assert.deepEqual(await wordsOfAptGet(), words);
  assert.match(stdout, /^c +gcc libc6-dev\njavascript +nodejs\ntypescript +node-typescript nodejs\n/);
  assert.ok(stdout.includes(`\napt-get ${words.join(' ')}\n`), stdout);
  assert.match(stdout, /Restart the runner/);
});

test('"all" is every language of the checkout', asRoot, async () => {
  assert.equal((await languages(['install', 'all', '--yes'])).code, 0);
  const words = await wordsOfAptGet();
  for (const name of ['gcc', 'golang-go', 'ruby', 'sqlite3']) assert.ok(words.includes(name), name);
  assert.equal(new Set(words).size, words.length);
});

test('an apt-get that fails is exit code 1', asRoot, async () => {
  aptGetExits = 100;
  const { code, stdout, stderr } = await languages(['install', 'lua', '--yes']);
  assert.equal(code, 1);
  assert.match(stderr, /apt-get ended with exit code 100; `apt-get update`/);
  assert.doesNotMatch(stdout, /Restart/);
});

test('where nobody can be asked, the answer is no, and it does not wait for one', asRoot, async () => {
  for (const input of [undefined, '', 'y\n']) {
    const { code, stdout, stderr } = await languages(['install', 'lua'], { ...(input !== undefined && { input }) });
    assert.equal(code, 1);
    assert.match(stdout, /^apt-get install .* lua5\.4$/m);
    assert.match(stderr, /nothing was installed; --yes/);
  }
  await notCalled();
});

test('a person at a terminal is asked, and must say yes', asRoot, async () => {
  const through = ['/usr/bin/python3', '-c', 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'];
  // Control-D and Control-C are no answers.
  for (const answer of ['n\n', '\n', 'yesterday\n', '\u0004', '\u0003']) {
    const { code, stdout } = await languages(['install', 'lua'], { through, answer });
    assert.equal(code, 1, JSON.stringify([answer, stdout]));
    assert.match(stdout, /nothing was installed/);
    await notCalled();
  }
  const { code, stdout } = await languages(['install', 'lua'], { through, answer: 'y\n' });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /Install them\? \[y\/N\]/);
  assert.equal((await wordsOfAptGet()).at(-1), 'lua5.4');
});

test('who is not root is told the command for sudo', async () => {
  const { code, stdout, stderr } = await languages(['install', 'lua', '--yes'], {
    ...(process.getuid?.() === 0 && { uid: NOBODY }),
  });
  assert.equal(code, 1, stdout);
  assert.match(stderr, /^ {2}sudo apt-get install --yes --no-install-recommends lua5\.4$/m);
  await notCalled();
});

test('without apt-get it names the packages', async () => {
  const { code, stderr } = await languages(['install', 'lua', 'rb', '--yes'], { env: { PATH: '/nowhere' } });
  assert.equal(code, 1);
  assert.match(stderr, /no apt-get here.*: lua5\.4 ruby$/m);
});
