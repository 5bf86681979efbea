/** Certificates change on disk in every way that tools have, and what is bad changes nothing. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Log } from '../log.js';
import { makeAuthority, silentLog, skipWithout, type TestAuthority, until } from '../testing/index.js';
import { commandTlsFiles } from './files.js';
import { type WatchedCertificates, watchCertificates } from './watch.js';

describe('certificates in use', { skip: skipWithout('openssl') }, () => {
  let folder: string;
  let authority: TestAuthority;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlane-tls-'));
    authority = await makeAuthority(folder);
  });
  after(() => rm(folder, { recursive: true }));

  async function watch(t: { after(close: () => void): void }, cert: string, key: string) {
    const said: string[] = [];
    const error = (...words: unknown[]) => void said.push(JSON.stringify(words));
    const files = commandTlsFiles({ TLS_CERT: cert, TLS_KEY: key });
    assert.ok(files);
    const watched = await watchCertificates(files, { ...silentLog, error } as Log);
    t.after(watched.close);
    return { watched, said };
  }

  const becomes = (watched: WatchedCertificates, serialNumber: string) =>
    until(`serial ${serialNumber}`, () => watched.current.serialNumber === serialNumber);

  test('files that are replaced are taken, and whoever listens is told', async (t) => {
    const first = await authority.issue('replaced');
    const { watched, said } = await watch(t, first.certPath, first.keyPath);
    const told: string[] = [];
    const end = watched.onChange(({ serialNumber }) => told.push(serialNumber));
    const second = await authority.issue('replaced');
    await becomes(watched, second.serialNumber);
    end();
    const third = await authority.issue('replaced');
    await becomes(watched, third.serialNumber);
    assert.deepEqual([told, said], [[second.serialNumber], []]);
  });

  test('links that are swapped are followed: to files, as certbot has them, and to a folder, as in secrets of Kubernetes', async (t) => {
    const dir = join(folder, 'links');
    const issueInto = async (version: string) => {
      const issued = await authority.issue('linked');
      await mkdir(join(dir, version), { recursive: true });
      await rename(issued.certPath, join(dir, version, 'tls.crt'));
      await rename(issued.keyPath, join(dir, version, 'tls.key'));
      return issued.serialNumber;
    };
    const pointAt = async (link: string, target: string) => {
      await symlink(target, join(dir, `${link}.new`));
      await rename(join(dir, `${link}.new`), join(dir, link));
    };
    await issueInto('1');
    await pointAt('..data', '1');
    for (const name of ['tls.crt', 'tls.key']) await pointAt(name, `..data/${name}`);
    const { watched, said } = await watch(t, join(dir, 'tls.crt'), join(dir, 'tls.key'));
    const second = await issueInto('2');
    await pointAt('..data', '2');
    await becomes(watched, second);
    const third = await issueInto('3');
    for (const name of ['tls.crt', 'tls.key']) await pointAt(name, `3/${name}`);
    await becomes(watched, third);
    assert.deepEqual(said, []);
  });

  for (const [what, spoil] of Object.entries({
    'a key of another certificate': async () => {
      const { keyPath } = await authority.issue('foreign');
      return { key: await readFile(keyPath) };
    },
    'half a file': async () => ({ cert: Buffer.from('-----BEGIN CERTIFICATE-----\nMII') }),
    'no file': async () => ({ cert: undefined }),
    'one that is past its time': async () => {
      const { certPath, keyPath } = await authority.issue('old', { days: -1 });
      return { cert: await readFile(certPath), key: await readFile(keyPath) };
    },
  })) {
    test(`${what} leaves the one before in use, is said once, and is no obstacle to the next good one`, async (t) => {
      const { certPath, keyPath, serialNumber } = await authority.issue('spoilt');
      const { watched, said } = await watch(t, certPath, keyPath);
      const bad: { cert?: Buffer | undefined; key?: Buffer } = await spoil();
      if ('key' in bad && bad.key) await writeFile(keyPath, bad.key);
      if ('cert' in bad) await (bad.cert ? writeFile(certPath, bad.cert) : rm(certPath));
      await until('it is said', () => said.length > 0);
      assert.match(String(said[0]), /TLS_(CERT|KEY)=.*the new TLS certificate is not taken/);
      assert.equal(watched.current.serialNumber, serialNumber);
      const next = await authority.issue('spoilt');
      await becomes(watched, next.serialNumber);
      assert.equal(said.length, 1, said.join('\n'));
    });
  }

  test('one that is past its time at the start is served with, and said aloud', async (t) => {
    const old = await authority.issue('past', { days: -1 });
    const { watched, said } = await watch(t, old.certPath, old.keyPath);
    assert.match(String(said), /TLS_CERT=.*past\.pem.* expired at 20.*refuse to connect/);
    assert.equal(said.length, 1);
    const next = await authority.issue('past');
    await becomes(watched, next.serialNumber);
  });
});
