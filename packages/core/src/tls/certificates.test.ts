/** What is wrong with the files of TLS is said at the start, with the variable, the file and the reason. */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeAuthority, skipWithout, type TestAuthority } from '../testing/index.js';
import { checkCertificates, readTlsFiles, timeProblem } from './certificates.js';
import { commandTlsFiles, runnerTlsFiles } from './files.js';

describe('files of TLS', { skip: skipWithout('openssl') }, () => {
  let folder: string;
  let authority: TestAuthority;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlane-tls-'));
    authority = await makeAuthority(folder);
  });
  after(() => rm(folder, { recursive: true }));

  async function check(paths: { cert: string; key: string; ca?: string }) {
    const RUNNER = { RUNNER_TLS_CERT: paths.cert, RUNNER_TLS_KEY: paths.key, RUNNER_TLS_CA: paths.ca };
    const files = paths.ca ? runnerTlsFiles(RUNNER) : commandTlsFiles({ TLS_CERT: paths.cert, TLS_KEY: paths.key });
    assert.ok(files);
    return checkCertificates(await readTlsFiles(files), files);
  }

  test('a certificate and its key are taken, with what is between it and the authority', async () => {
    const { certPath: cert, keyPath: key, serialNumber } = await authority.issue('good');
    const checked = await check({ cert, key, ca: authority.path });
    assert.equal(checked.serialNumber, serialNumber);
    assert.equal(timeProblem(checked), undefined);
    assert.match(String(timeProblem(checked, checked.validToMs + 1)), /^expired at 20/);
    assert.match(String(timeProblem(checked, checked.validFromMs - 1)), /^is not valid before 20/);
    const chain = join(folder, 'chain.pem');
    await writeFile(chain, Buffer.concat([checked.cert, authority.pem]));
    assert.equal((await check({ cert: chain, key })).serialNumber, serialNumber);
  });

  test('all that cannot be read is named at once', async () => {
    await assert.rejects(check({ cert: `${folder}/none.pem`, key: folder }), ({ message }: Error) => {
      assert.match(message, /TLS_CERT=".*\/none\.pem" cannot be read: there is no such file\n/);
      assert.match(message, /TLS_KEY=".*" cannot be read: it is a folder$/);
      return true;
    });
  });

  test('what is not PEM is named, be it empty, another file, or a key in the place of the certificate', async () => {
    const { certPath: cert, keyPath: key } = await authority.issue('not-pem');
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    await assert.rejects(check({ cert: empty, key }), /TLS_CERT=".*\/empty" is no certificate in PEM form/);
    await assert.rejects(check({ cert: key, key }), /TLS_CERT=".*\/not-pem\.key" is no certificate in PEM form/);
    await assert.rejects(check({ cert, key: cert }), /TLS_KEY=".*\/not-pem\.pem" is no private key in PEM form/);
    await assert.rejects(check({ cert, key, ca: key }), /RUNNER_TLS_CA=".*\/not-pem\.key" holds no certificates/);
    const broken = join(folder, 'broken.pem');
    await writeFile(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    await assert.rejects(check({ cert: broken, key }), /TLS_CERT=".*\/broken\.pem" is no certificate/);
  });

  test('a key with a passphrase is no use, as nobody is there to type it', async () => {
    const { certPath: cert, keyPath } = await authority.issue('locked');
    const key = join(folder, 'locked-by-a-passphrase.key');
    const pem = createPrivateKey(await readFile(keyPath));
    await writeFile(key, pem.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }));
    await assert.rejects(check({ cert, key }), /TLS_KEY=".*" is no private key in PEM form, without a passphrase/);
  });

  test('a key of another certificate is named with that', async () => {
    const [{ certPath: cert }, { keyPath: key }] = [await authority.issue('one'), await authority.issue('other')];
    await assert.rejects(
      check({ cert, key }),
      /TLS_KEY=".*\/other\.key" does not belong to the certificate in TLS_CERT=".*\/one\.pem"/,
    );
  });
});

test('variables are set together or not at all', () => {
  assert.equal(commandTlsFiles({ TLS_CERT: undefined, TLS_KEY: undefined }), undefined);
  assert.throws(
    () => commandTlsFiles({ TLS_CERT: '/a', TLS_KEY: undefined }),
    /TLS_CERT must not be set without TLS_KEY/,
  );
  assert.throws(
    () => commandTlsFiles({ TLS_CERT: undefined, TLS_KEY: '/a' }),
    /TLS_KEY must not be set without TLS_CERT/,
  );
  assert.throws(
    () => runnerTlsFiles({ RUNNER_TLS_CERT: '/a', RUNNER_TLS_KEY: '/b', RUNNER_TLS_CA: undefined }),
    /RUNNER_TLS_CERT and RUNNER_TLS_KEY must not be set without RUNNER_TLS_CA/,
  );
});
