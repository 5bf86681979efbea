/** The client for Python, installed by pip as its README says, does what it promises: its own tests, against a real platform. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { until } from '@runlane/core/testing';
import { ROOT } from './own-runner.js';
import { type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const run = promisify(execFile);
const CLIENT = join(ROOT, 'clients/python');
const VENV = join(ROOT, '.cache/client-python');
const PYTHON = join(VENV, 'bin/python');
/** Longer than a platform may take to start, in milliseconds. */
const PATIENCE_MS = 90_000;
/** Elsewhere than in the client's folder: what is imported is what was installed. */
const python = (...args: string[]) => run(PYTHON, args, { cwd: VENV });
const pip = (...args: string[]) => python('-m', 'pip', '--quiet', '--disable-pip-version-check', ...args);

async function install(): Promise<void> {
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  // What an earlier build left there would be installed once more.
  await rm(join(CLIENT, 'build'), { recursive: true, force: true });
  await run('python3', ['-m', 'venv', VENV]);
  await pip('install', '--requirement', join(CLIENT, 'tests/requirements.txt'));
  await pip('install', '--force-reinstall', '--no-deps', CLIENT);
}
const refused = await install().then(
  () => undefined,
  (error) => `it cannot be installed here: ${error.stderr || error.message}`,
);

describe('the client for Python', { skip: process.env.CI === 'true' ? false : refused }, () => {
  let folder: string;
  before(async () => {
    assert.equal(refused, undefined);
    folder = await temporaryFolder();
  });
  after(() => folder && rm(folder, { recursive: true, force: true }));

  test('passes its own tests', async () => {
    const platform = await startEmbedded(join(folder, 'own'));
    const tests = run(PYTHON, ['-m', 'unittest', 'discover', '--start-directory', join(CLIENT, 'tests')], {
      cwd: VENV,
      env: { ...process.env, RUNLANE_TARGET: platform.grpcAddress, PYTHONDONTWRITEBYTECODE: '1' },
    });
    const said = await tests.then(
      ({ stderr }) => stderr,
      ({ stdout, stderr }) => stdout + stderr,
    );
    await platform.stop();
    assert.match(said, /\nRan \d+ tests in .*\n\nOK\n$/);
  });

  test('is typed, and so are those who use it', async () => {
    const mypy = (...what: string[]) => python('-m', 'mypy', '--config-file', join(CLIENT, 'pyproject.toml'), ...what);
    assert.match((await mypy('-p', 'runlane')).stdout, /^Success/);
    assert.match((await mypy(join(CLIENT, 'tests/typed_usage.py'))).stdout, /^Success/);
  });

  test('can be built far from the contract, of what its source distribution holds', async () => {
    await python('-m', 'build', '--outdir', folder, CLIENT);
    const { stdout } = await python('-m', 'zipfile', '--list', join(folder, 'runlane-0.1.0-py3-none-any.whl'));
    for (const name of ['py.typed', 'client.py', 'v1/execution_pb2.py', 'v1/execution_pb2.pyi', 'v1/types_pb2.py'])
      assert.ok(stdout.includes(`runlane/${name} `), `${name} is not in it:\n${stdout}`);
  });

  test('waits for a server that is away, and goes on where it was with one that is started anew', async () => {
    const port = await freePort();
    const start = () => startEmbedded(join(folder, 'restarted'), { GRPC_PORT: String(port) });
    const client = followed([join(CLIENT, 'tests/patient.py'), `127.0.0.1:${port}`]);
    let platform: Platform | undefined;
    try {
      await client.says('MainThread calling again');
      await client.says('asyncio_0 calling again');
      platform = await start();
      await client.says('sync begun');
      await client.says('async begun');
      await platform.stop();
      platform = await start();
      assert.equal(await client.ended, 0, client.said.join('\n'));
    } finally {
      client.stop();
      await platform?.stop();
    }
    for (const kind of ['sync', 'async']) {
      const lines = client.said
        .filter((line) => line.startsWith(`${kind} `))
        .map((line) => line.slice(kind.length + 1));
      assert.deepEqual([lines[0], lines.at(-1)], ['1', "succeeded 'begun\\nended\\n'"]);
    }
  });
});

/** A program of Python, and the lines that it has written so far to either stream. */
function followed(args: readonly string[]) {
  const child = spawn(PYTHON, args, { cwd: VENV, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => said.push(line));
  return {
    said,
    says: (words: string) => until(words, () => said.some((line) => line.startsWith(words)), PATIENCE_MS),
    ended: once(child, 'close').then(([code]) => code as number | null),
    stop: () => child.kill('SIGKILL'),
  };
}

/** A port that nobody listens on yet. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
