/** Authorities and certificates for tests, made on the spot with openssl: none lies about, and none is ever past its time. */
import { execFile } from 'node:child_process';
import { chmod, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Availability, findOnPath, installPackages, prepareAsRoot } from './programs.js';

const run = promisify(execFile);

interface CertificateOptions {
  /** Names and addresses that it is for; `localhost` and 127.0.0.1 when left out. */
  readonly names?: readonly string[];
  /** From now on; less than 0: it is past its time. */
  readonly days?: number;
}

export interface TestCertificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly serialNumber: string;
}

export interface TestAuthority {
  /** Its own certificate. */
  readonly path: string;
  readonly pem: Buffer;
  /** A certificate signed by it, at `<name>.pem` and `<name>.key` of its folder, in the place of what was there. */
  issue(name: string, options?: CertificateOptions): Promise<TestCertificate>;
}

export function findOpenssl(): Availability {
  const path = findOnPath('openssl');
  return path ? { path } : { missing: 'openssl is not installed: apt-get install openssl' };
}

export function prepareOpenssl(log: (line: string) => void): Promise<Availability> {
  return prepareAsRoot('openssl', ['openssl'], findOpenssl, () => installPackages(['openssl'], log));
}

/** @param dir where its files are; it must be there. */
export async function makeAuthority(dir: string, name = 'ca'): Promise<TestAuthority> {
  const path = join(dir, `${name}.pem`);
  const keyPath = join(dir, `${name}.key`);
  await makeKey(keyPath);
  await openssl('req', '-x509', '-new', '-key', keyPath, '-subj', `/CN=${name}`, '-days', '2', '-out', path);
  let issued = 0;
  return {
    path,
    pem: await readFile(path),
    async issue(of, { names = ['localhost', '127.0.0.1'], days = 1 } = {}) {
      issued += 1;
      const serialNumber = (0x1000 + issued).toString(16).toUpperCase();
      const paths = { certPath: join(dir, `${of}.pem`), keyPath: join(dir, `${of}.key`) };
      const [key, request, cert] = ['key', 'csr', 'pem'].map((kind) => join(dir, `${of}.draft.${kind}`)) as Three;
      await makeKey(key);
      const san = names.map((each) => `${/^[\d.]+$/.test(each) ? 'IP' : 'DNS'}:${each}`).join();
      const subject = ['-subj', `/CN=${of}`, '-addext', `subjectAltName=${san}`];
      await openssl('req', '-new', '-key', key, ...subject, '-out', request);
      const signed = ['-CA', path, '-CAkey', keyPath, '-set_serial', `0x${serialNumber}`, '-days', `${days}`];
      await openssl('x509', '-req', '-in', request, '-copy_extensions', 'copy', ...signed, '-out', cert);
      await rename(key, paths.keyPath);
      await rename(cert, paths.certPath);
      return { ...paths, serialNumber };
    },
  };
}

type Three = [string, string, string];

async function makeKey(path: string): Promise<void> {
  await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path);
  // Where tests run as root, parts of the platform are other users, who are to read it.
  await chmod(path, 0o644);
}

async function openssl(...args: string[]): Promise<void> {
  await run('openssl', args);
}
