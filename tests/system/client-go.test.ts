/** The example of a client in Go, made as its README says: the contract and gRPC's own libraries are enough. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { grpcDoor } from './doors.js';
import { ROOT } from './own-runner.js';
import { type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const run = promisify(execFile);
const EXAMPLE = join(ROOT, 'clients/go-example');
const CLIENT = join(ROOT, '.cache/bin/client-go');
const go = (...args: string[]) => run('go', args, { cwd: EXAMPLE, env: { ...process.env, CGO_ENABLED: '0' } });

async function build(): Promise<void> {
  await go('mod', 'download');
  await run(join(ROOT, 'node_modules/.bin/buf'), ['generate'], { cwd: EXAMPLE });
  await go('build', '-trimpath', '-o', CLIENT, '.');
}
const refused = await build().then(
  () => undefined,
  (error) => `it cannot be built here: ${error.stderr || error.message}`,
);

describe('the client in Go', { skip: process.env.CI === 'true' ? false : refused }, () => {
  let folder: string;
  let platform: Platform;
  before(async () => {
    assert.equal(refused, undefined);
    folder = await temporaryFolder();
    await mkdir(join(folder, 'programs'));
    platform = await startEmbedded(join(folder, 'data'));
  });
  after(async () => {
    await platform?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Start it with a program. What the program writes is told as it comes. */
  async function start(code: string, args: readonly string[] = [], server = platform.grpcAddress, more: string[] = []) {
    const file = join(folder, 'programs', 'main.py');
    await writeFile(file, code);
    const child = spawn(CLIENT, ['-server', server, ...more, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => (said.stdout += data));
    child.stderr.on('data', (data) => (said.stderr += data));
    const ended = once(child, 'close').then(([exitCode]) => ({ ...said, exitCode: exitCode as number | null }));
    return { stdout: child.stdout, ended };
  }

  test('is as gofmt and go vet want it', async () => {
    const { stdout } = await run('gofmt', ['-l', 'main.go', 'run.go', 'errors.go'], { cwd: EXAMPLE });
    assert.equal(stdout, '');
    await go('vet', './...');
  });

  test('prints both streams as they come, and ends as the program does', async () => {
    const code = 'import sys\nprint("Hello,", input(), sys.argv[1:])\nprint("oh", file=sys.stderr)\nsys.exit(4)';
    const { ended } = await start(code, ['a', 'b'], platform.grpcAddress, ['-stdin', 'Ada']);
    assert.deepEqual(await ended, { stdout: "Hello, Ada ['a', 'b']\n", stderr: 'oh\n', exitCode: 4 });
  });

  test('names what is refused', async () => {
    const { ended } = await start('print(1)', ['\u0001'.repeat(5_000)], platform.grpcAddress, ['-language', 'cobol']);
    const { stderr, exitCode } = await ended;
    assert.match(stderr, /^INVALID_REQUEST\n {2}args\[0\]: .+\n {2}language: "cobol".+\n$/);
    assert.equal(exitCode, 125);
  });

  test('goes on over another connection where one broke, and prints nothing twice', async () => {
    const proxy = await startProxy(platform.grpcAddress);
    try {
      const code = 'import time\nprint("begun", flush=True)\ntime.sleep(3)\nprint("ended")';
      const { stdout, ended } = await start(code, [], proxy.address);
      await once(stdout, 'data');
      proxy.cut();
      assert.deepEqual(await ended, { stdout: 'begun\nended\n', stderr: '', exitCode: 0 });
      assert.ok(proxy.connections() >= 2);
    } finally {
      proxy.close();
    }
    const { jobs } = (await (await fetch(`${platform.baseUrl}/v1/jobs?limit=1`)).json()) as { jobs: { id: string }[] };
    assert.equal((await grpcDoor(platform).get(String(jobs[0]?.id))).attempt, 1);
  });
});

/** A way to the server whose connections can be broken. */
async function startProxy(target: string) {
  const open: Socket[] = [];
  const [host, port] = target.split(':');
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    open.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.pipe(upstream).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  let connections = 0;
  server.on('connection', () => (connections += 1));
  const cut = () => {
    for (const socket of open.splice(0)) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    connections: () => connections,
    cut,
    close() {
      server.close();
      cut();
    },
  };
}
