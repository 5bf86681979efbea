/** Workers and runners know each other by certificates: nobody else gets through, in either direction. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { createCloser, type Log } from '@runlane/core';
import { makeAuthority, silentLog, skipWithout, type TestAuthority, until } from '@runlane/core/testing';
import { channelCredentials, openTls, runnerTlsFiles, serverCredentials } from '@runlane/core/tls';
import { createRunnerPool } from './runner-pool.js';
import { BEHAVIOURS, startFakeRunner } from './testing/fake-runner.js';
import { closeStages, opened } from './testing/stage.js';

describe('runners over TLS', { skip: skipWithout('openssl') }, () => {
  let folder: string;
  let ours: TestAuthority;
  let theirs: TestAuthority;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlane-worker-tls-'));
    ours = await makeAuthority(folder, 'ours');
    theirs = await makeAuthority(folder, 'theirs');
  });
  afterEach(closeStages);
  after(() => rm(folder, { recursive: true }));

  interface Side {
    readonly by: TestAuthority;
    readonly names?: readonly string[];
    /** Whom it believes; the authority that it has its own certificate of when left out. */
    readonly trusts?: TestAuthority;
  }

  /** Files of its own, which a test may change. */
  let sides = 0;
  async function filesOf({ by, names, trusts = by }: Side) {
    sides += 1;
    const name = `side-${sides}`;
    const { certPath, keyPath } = await by.issue(name, names ? { names } : {});
    const ca = join(folder, `trusted-by-${name}.pem`);
    await copyFile(trusts.path, ca);
    return { RUNNER_TLS_CERT: certPath, RUNNER_TLS_KEY: keyPath, RUNNER_TLS_CA: ca };
  }

  async function open(side: Side | undefined) {
    const closer = createCloser({ graceMs: 1_000, log: silentLog });
    opened.push(closer.close);
    const files = side && (await filesOf(side));
    return { files, tls: await openTls(files && runnerTlsFiles(files), { closer, log: silentLog }) };
  }

  async function startRunner(side: Side | undefined, port = 0) {
    const { files, tls } = await open(side);
    const fake = await startFakeRunner({ behaviours: [BEHAVIOURS.runs], credentials: serverCredentials(tls), port });
    opened.push(fake.close);
    return { ...fake, files, port: Number(fake.address.split(':')[1]) };
  }

  async function startPool(name: string, side: Side | undefined) {
    const { files, tls } = await open(side);
    const said: string[] = [];
    const warn = (...words: unknown[]) => void said.push(JSON.stringify(words));
    const log = { ...silentLog, warn } as Log;
    const pool = createRunnerPool({
      names: [name],
      onDescribed: () => undefined,
      credentials: channelCredentials(tls),
      log,
    });
    opened.push(async () => pool.close());
    const isConnected = () => pool.slots().runners === 1;
    return { said, files, isConnected, connected: () => until('it is connected', isConnected, 20_000) };
  }

  /** What is said of why it is refused. */
  async function refusal(runnerSide: Side | undefined, workerSide: Side | undefined, host = 'localhost') {
    const { port } = await startRunner(runnerSide);
    const { said, isConnected } = await startPool(`${host}:${port}`, workerSide);
    await until('it is said', () => said.some((line) => line.includes('127.0.0.1')), 30_000);
    assert.equal(isConnected(), false);
    return said.join('\n');
  }

  test('both with certificates of one authority: by name, and by address where the certificate has it', async () => {
    const { port } = await startRunner({ by: ours });
    for (const host of ['localhost', '127.0.0.1']) await (await startPool(`${host}:${port}`, { by: ours })).connected();
  });

  test('the authorities of the two sides may be different ones', async () => {
    const { port } = await startRunner({ by: ours, trusts: theirs });
    await (await startPool(`localhost:${port}`, { by: theirs, trusts: ours })).connected();
  });

  test('without certificates on either side all is as ever', async () => {
    const { port } = await startRunner(undefined);
    await (await startPool(`localhost:${port}`, undefined)).connected();
  });

  test('a runner on a Unix socket needs none, whatever the worker has', async () => {
    const { address, close } = await startFakeRunner({ behaviours: [BEHAVIOURS.runs], socket: join(folder, 'socket') });
    opened.push(close);
    await (await startPool(address, { by: ours })).connected();
  });

  test('a runner with a certificate of another authority, or for another name, is refused', async () => {
    const [foreign, misnamed, byAddress] = await Promise.all([
      refusal({ by: theirs, trusts: ours }, { by: ours }),
      refusal({ by: ours, names: ['elsewhere.example', '127.0.0.1'] }, { by: ours }),
      refusal({ by: ours, names: ['localhost'] }, { by: ours }, '127.0.0.1'),
    ]);
    assert.match(foreign, /self-signed certificate|unable to verify/);
    assert.match(misnamed, /localhost\. is not in the cert's altnames/);
    assert.match(byAddress, /127\.0\.0\.1 is not in the cert's list/);
  });

  test('a runner in the open is no runner for a worker with certificates, nor the other way round', async () => {
    await Promise.all([refusal(undefined, { by: ours }), refusal({ by: ours }, undefined)]);
  });

  test('a worker with a certificate of another authority is refused by the runner', async () => {
    await refusal({ by: ours }, { by: theirs, trusts: ours });
  });

  test('a worker whose files were exchanged shows and believes the new ones when it connects again', async () => {
    const first = await startRunner({ by: ours });
    const { files, isConnected, connected } = await startPool(`localhost:${first.port}`, { by: ours });
    await connected();
    await first.close();
    await until('it is away', () => !isConnected());
    const next = await filesOf({ by: theirs });
    for (const name of ['RUNNER_TLS_CERT', 'RUNNER_TLS_KEY', 'RUNNER_TLS_CA'] as const)
      await copyFile(next[name], String(files?.[name]));
    await startRunner({ by: theirs }, first.port);
    await connected();
  });
});
