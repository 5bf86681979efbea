/** TLS over real processes: both doors, the command line, certificates that change meanwhile, workers and runners. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type ChannelCredentials, credentials, Metadata } from '@grpc/grpc-js';
import { execution, type JobJson, runner as runnerProto } from '@runlane/contract';
import { makeAuthority, skipWithout, type TestAuthority, type TestCertificate, until } from '@runlane/core/testing';
import { conformance, ROOT } from './own-runner.js';
import { type Platform, type Started, startEmbedded, startProcess, stopProcess, temporaryFolder } from './platforms.js';
import { ask, askJson, linesOf, type SecureServer, serialNumberAt } from './secure.js';

const run = promisify(execFile);
const RUNLANE = join(ROOT, 'packages/cli/bin/runlane.mjs');
const SIX_TIMES_SEVEN = { code: 'print(6 * 7)' };

const HEALTH = join(ROOT, 'deploy/docker');

const logsOf = ({ log }: Started) => log.join('\n');

/** A folder for certificates. As root, parts of the platform are other users, who read them. */
async function certificateFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  return folder;
}

describe('npm start with TLS_CERT and TLS_KEY', { skip: skipWithout('openssl') }, () => {
  let folder: string;
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let certificate: TestCertificate;
  let platform: Platform;
  let http: SecureServer;
  let grpcPort: number;
  before(async () => {
    folder = await certificateFolder();
    authority = await makeAuthority(folder);
    stranger = await makeAuthority(folder, 'stranger');
    certificate = await authority.issue('command');
    const { certPath: TLS_CERT, keyPath: TLS_KEY } = certificate;
    platform = await startEmbedded(join(folder, 'data'), { TLS_CERT, TLS_KEY, LOG_LEVEL: 'info' });
    const said = platform.processes.standalone?.said;
    http = { port: Number(said?.httpPort), ca: authority.pem };
    grpcPort = Number(said?.grpcPort);
  });
  after(async () => {
    await platform?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const runJob = () => askJson<JobJson>(http, '/v1/jobs', SIX_TIMES_SEVEN);
  const log = () => (platform.processes.standalone ? logsOf(platform.processes.standalone) : '');

  function runOverGrpc(ca: Buffer): Promise<string> {
    const client = new execution.ExecutionServiceClient(`localhost:${grpcPort}`, credentials.createSsl(ca));
    const call = client.run({ program: execution.Program.fromPartial(SIX_TIMES_SEVEN), idempotencyKey: '' });
    return (async () => {
      try {
        let output = '';
        for await (const { step } of call as AsyncIterable<execution.RunResponse>)
          if (step?.$case === 'event' && step.value.event?.$case === 'stdout') output += step.value.event.value;
        return output;
      } finally {
        client.close();
      }
    })();
  }

  test('a program runs over HTTPS and over gRPC with TLS; metrics of the worker stay plain', async () => {
    assert.equal(platform.processes.standalone?.said.tls, true);
    assert.equal((await runJob()).result?.stdout, '42\n');
    assert.equal(await runOverGrpc(authority.pem), '42\n');
    assert.equal((await fetch(`${platform.workerUrls[0]}/metrics`)).status, 200);
  });

  test('the health check of a container asks over TLS, and fails where it does not', async () => {
    const check = (env: NodeJS.ProcessEnv) =>
      run(process.execPath, [join(HEALTH, 'http-health.mjs')], { env: { HTTP_PORT: `${http.port}`, ...env } });
    await check({ TLS_CERT: certificate.certPath });
    await assert.rejects(check({}), { code: 1 });
  });

  test('clients that trust another authority get through to neither', async () => {
    await assert.rejects(ask({ ...http, ca: stranger.pem }, '/healthz'), /certificate/);
    await assert.rejects(runOverGrpc(stranger.pem), /UNAVAILABLE/);
  });

  test('plain HTTP is hung up on, and nothing comes of it', async () => {
    await assert.rejects(fetch(`http://localhost:${http.port}/healthz`), /fetch failed/);
    await assert.rejects(fetch(`http://localhost:${grpcPort}/healthz`), /fetch failed/);
    assert.equal((await ask(http, '/healthz')).statusCode, 200);
    assert.doesNotMatch(log(), /starting it again|nobody caught/);
  });

  test('runlane run takes an https address, with the authority that Node is told of and not without', async () => {
    const program = join(folder, 'main.py');
    await writeFile(program, SIX_TIMES_SEVEN.code);
    const env = { ...process.env, RUNLANE_URL: `https://localhost:${http.port}` };
    const trusting = { ...env, NODE_EXTRA_CA_CERTS: authority.path };
    const { stdout } = await run(process.execPath, [RUNLANE, 'run', program], { env: trusting });
    assert.equal(stdout, '42\n');
    const refused = run(process.execPath, [RUNLANE, 'run', program], { env });
    await assert.rejects(refused, ({ stderr }: { stderr: string }) => {
      assert.match(stderr, /CERT|VERIFY/);
      assert.match(stderr, /NODE_EXTRA_CA_CERTS/);
      return true;
    });
  });

  test('runlane run -i talks to a program over a WebSocket within TLS', async () => {
    const program = join(folder, 'ask.py');
    await writeFile(program, 'print("hello", input())');
    const env = { ...process.env, RUNLANE_URL: `https://localhost:${http.port}`, NODE_EXTRA_CA_CERTS: authority.path };
    const running = run(process.execPath, [RUNLANE, 'run', '-i', program], { env });
    running.child.stdin?.end('Ada\n');
    assert.equal((await running).stdout, 'hello Ada\n');
  });

  test('a new certificate is shown to new connections, while a stream that is open goes on', async () => {
    const code = 'import time\nfor n in range(600):\n    print(n, flush=True)\n    time.sleep(.1)';
    const job = await askJson<{ jobId: string }>(http, '/submit-code', { code });
    const lines = linesOf(await ask(http, `/v1/jobs/${job.jobId}/events`));
    const nextOutput = async () => {
      for (;;) {
        const { value, done } = await lines.next();
        assert.ok(!done, 'the stream ended');
        if (value.startsWith('data: {"text"')) return value;
      }
    };
    await nextOutput();
    certificate = await authority.issue('command');
    for (const port of [http.port, grpcPort])
      await until(
        'the new one is shown',
        async () => (await serialNumberAt({ ...http, port })) === certificate.serialNumber,
      );
    // What was printed before the change may have waited for its reader: one that is asked for now has not.
    const atNow = Number(/"text":"(\d+)/.exec(await nextOutput())?.[1]);
    await until('later output comes', async () => Number(/"text":"(\d+)/.exec(await nextOutput())?.[1]) > atNow + 10);
    assert.equal((await ask(http, `/v1/jobs/${job.jobId}/cancel`, {})).statusCode, 202);
    let last = '';
    for (let next = await lines.next(); !next.done; next = await lines.next()) last = next.value || last;
    assert.match(last, /"status":"cancelled"/);
  });

  test('a bad one is told in the log, and the one before stays', async () => {
    const { keyPath } = await authority.issue('foreign');
    await copyFile(keyPath, certificate.keyPath);
    await until('it is told', () => /TLS_KEY=.*does not belong to the certificate/.test(log()));
    for (const port of [http.port, grpcPort])
      assert.equal(await serialNumberAt({ ...http, port }), certificate.serialNumber);
    assert.equal((await runJob()).status, 'succeeded');
    assert.equal(await runOverGrpc(authority.pem), '42\n');
  });
});

describe('npm start with files that are no use', { skip: skipWithout('openssl') }, () => {
  test('says which, and why, and does not start', async () => {
    const folder = await certificateFolder();
    const { certPath: TLS_CERT } = await (await makeAuthority(folder)).issue('command');
    const start = (TLS_KEY: string) => startEmbedded(join(folder, 'data'), { TLS_CERT, TLS_KEY });
    await assert.rejects(start(''), /TLS_CERT must not be set without TLS_KEY/);
    await assert.rejects(start(`${folder}/none.key`), /TLS_KEY=".*\/none\.key" cannot be read: there is no such file/);
    await rm(folder, { recursive: true });
  });
});

describe('runners over TCP with RUNNER_TLS_CERT, RUNNER_TLS_KEY and RUNNER_TLS_CA', {
  skip: skipWithout('openssl'),
}, () => {
  let folder: string;
  let ours: TestAuthority;
  let theirs: TestAuthority;
  const started: Started[] = [];
  before(async () => {
    folder = await certificateFolder();
    ours = await makeAuthority(folder, 'ours');
    theirs = await makeAuthority(folder, 'theirs');
  });
  after(async () => {
    for (const each of started.toReversed()) await stopProcess(each);
    await rm(folder, { recursive: true, force: true });
  });

  const variables = ({ certPath, keyPath }: TestCertificate, ca: TestAuthority) => ({
    RUNNER_TLS_CERT: certPath,
    RUNNER_TLS_KEY: keyPath,
    RUNNER_TLS_CA: ca.path,
  });

  async function startRunner(env: NodeJS.ProcessEnv, port = 0): Promise<{ host: Started; port: number }> {
    const runDir = join(folder, `run-${started.length}`);
    await mkdir(runDir, { mode: 0o755 });
    const all = {
      RUNNER_ADDRESS: `127.0.0.1:${port}`,
      RUN_DIR: runDir,
      LANGUAGES: 'python',
      LOG_LEVEL: 'info',
      ...env,
    };
    const isReady = ({ msg }: Record<string, unknown>) => msg === 'runner serves';
    const host = await startProcess('services/runners/host/dist/main.js', all, isReady);
    started.push(host);
    return { host, port: Number(String(host.said.address).split(':')[1]) };
  }

  /** Whether somebody with these credentials gets an answer. */
  async function describes(port: number, own: ChannelCredentials): Promise<boolean> {
    const client = new runnerProto.RunnerServiceClient(`localhost:${port}`, own);
    const deadline = { deadline: Date.now() + 10_000 };
    return new Promise<boolean>((resolve) =>
      client.describe({}, new Metadata(), deadline, (error) => resolve(!error)),
    ).finally(() => client.close());
  }

  async function clientOf(by: TestAuthority, believes: TestAuthority): Promise<ChannelCredentials> {
    const { certPath, keyPath } = await by.issue('client');
    const [key, cert] = await Promise.all([keyPath, certPath].map((path) => readFile(path)));
    return credentials.createSsl(believes.pem, key, cert);
  }

  test('a runner answers whoever has a certificate of its authority, and nobody else', async () => {
    const own = variables(await ours.issue('runner'), ours);
    const { host, port } = await startRunner(own);
    assert.equal(await describes(port, await clientOf(ours, ours)), true);
    assert.equal(await describes(port, credentials.createSsl(ours.pem)), false, 'without a certificate');
    assert.equal(await describes(port, await clientOf(theirs, ours)), false, 'with one of another authority');
    assert.equal(await describes(port, credentials.createInsecure()), false, 'in the open');
    const health = (env: NodeJS.ProcessEnv) =>
      run(process.execPath, [join(HEALTH, 'grpc-health.mjs'), `127.0.0.1:${port}`], { env });
    await health(own);
    await assert.rejects(health({}), { code: 1 });
    await stopProcess(host);
    const open = await startRunner({});
    assert.equal(await describes(open.port, credentials.createInsecure()), true, 'where nothing is demanded');
    await stopProcess(open.host);
  });

  test('a runner shows a new certificate to new connections', async () => {
    const { host, port } = await startRunner(variables(await ours.issue('renewed'), ours));
    const { certPath, keyPath } = await ours.issue('client');
    const own = { cert: await readFile(certPath), key: await readFile(keyPath) };
    const { serialNumber } = await ours.issue('renewed');
    const shown = () => serialNumberAt({ port, ca: ours.pem }, own);
    await until('the new one is shown', async () => (await shown()) === serialNumber);
    await stopProcess(host);
  });

  test('a job waits while a false runner is there, and runs when the true one is back', async () => {
    const runnerEnv = variables(await ours.issue('true-runner'), ours);
    const first = await startRunner(runnerEnv);
    const worker = variables(await ours.issue('worker'), ours);
    const env = { RUNNERS: `localhost:${first.port}`, RECONCILE_SECONDS: '1', LEASE_SECONDS: '2', ...worker };
    const platform = await startEmbedded(join(folder, 'data'), env);
    try {
      const base = `${platform.baseUrl}/v1/jobs`;
      const headers = { 'Content-Type': 'application/json', Prefer: 'wait=10' };
      const submit = (prefer: string) =>
        fetch(base, { method: 'POST', headers: { ...headers, Prefer: prefer }, body: JSON.stringify(SIX_TIMES_SEVEN) });
      const ran = (await (await submit('wait=10')).json()) as JobJson;
      assert.equal(ran.result?.stdout, '42\n', 'with the true one');

      await stopProcess(first.host);
      // It would take the worker; the worker must not take it.
      const falseEnv = variables(await theirs.issue('false-runner'), ours);
      const impostor = await startRunner(falseEnv, first.port);
      const { id } = (await (await submit('respond-async')).json()) as JobJson;
      const log = () => (platform.processes.standalone ? logsOf(platform.processes.standalone) : '');
      const isRefused = () => /127\.0\.0\.1.*(self-signed certificate|unable to verify).*does not answer/.test(log());
      await until('the false one is refused', isRefused, 30_000);
      const look = async () => (await (await fetch(`${base}/${id}`)).json()) as JobJson;
      assert.equal((await look()).result, undefined);

      await stopProcess(impostor.host);
      await startRunner(runnerEnv, first.port);
      await until('the job has run', async () => (await look()).status === 'succeeded', 30_000);
      assert.equal((await look()).result?.stdout, '42\n');
    } finally {
      await platform.stop();
    }
  });

  test('the conformance kit knows it, with the certificate that it demands and not without', async () => {
    const { host, port } = await startRunner(variables(await ours.issue('checked'), ours));
    const { certPath, keyPath } = await ours.issue('kit');
    const programs = join(ROOT, 'services/runners');
    const check = (...more: string[]) => conformance(`localhost:${port}`, programs, more);
    const all = await check('--tls-ca', ours.path, '--tls-cert', certPath, '--tls-key', keyPath);
    assert.match(all, /after a loss +ok/);
    assert.match(all, /\n\d+ passed, 0 failed, \d+ not possible\n$/);
    assert.match(await check('--tls-ca', ours.path, '--timeout', '5'), /1 failed/);
    assert.match(await check('--tls-ca', theirs.path, '--timeout', '5'), /no runner answers at localhost/);
    assert.match(await check('--tls-cert', certPath), /--tls-cert and --tls-key belong together/);
    await stopProcess(host);
  });
});
