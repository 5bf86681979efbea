/** Reads the files of TLS and finds out whether they can be used, before anything is served with them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsFile, TlsFiles } from './files.js';

/** What the files hold, as it is. */
export interface TlsBytes {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

/** Files that belong together and can be served with. */
export interface Certificates extends TlsBytes {
  readonly serialNumber: string;
  /** Outside of these times clients refuse it. */
  readonly validFromMs: number;
  readonly validToMs: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @throws Error naming every file that cannot be read. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsBytes> {
  const problems: string[] = [];
  const read = (file: TlsFile) =>
    readFile(file.path).catch((error: NodeJS.ErrnoException) => {
      problems.push(told(file, `cannot be read: ${reasonOf(error)}`));
      return Buffer.alloc(0);
    });
  const [cert, key, ca] = await Promise.all([read(files.cert), read(files.key), files.ca && read(files.ca)]);
  throwAll(problems);
  return { cert, key, ...(ca && { ca }) };
}

/** @throws Error naming every file that is not what it must be. */
export function checkCertificates(bytes: TlsBytes, files: TlsFiles): Certificates {
  const problems: string[] = [];
  const attempt = <T>(file: TlsFile, what: string, make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      problems.push(told(file, `${what} (${(error as Error).message})`));
      return undefined;
    }
  };
  const leaf = attempt(files.cert, 'is no certificate in PEM form', () => leafOf(bytes.cert));
  const key = attempt(files.key, 'is no private key in PEM form, without a passphrase', () => keyOf(bytes.key));
  const { ca } = bytes;
  if (files.ca && ca) attempt(files.ca, 'holds no certificates in PEM form', () => certificatesIn(ca));
  if (leaf && key && !leaf.checkPrivateKey(key))
    problems.push(told(files.key, `does not belong to the certificate in ${files.cert.variable}="${files.cert.path}"`));
  throwAll(problems);
  // Such as a key that is too short for today's OpenSSL.
  attempt(files.cert, 'cannot be served with', () => createSecureContext(secureContextOptions(bytes)));
  throwAll(problems);
  return {
    ...bytes,
    serialNumber: leaf?.serialNumber ?? '',
    validFromMs: Date.parse(leaf?.validFrom ?? ''),
    validToMs: Date.parse(leaf?.validTo ?? ''),
  };
}

/** Why clients refuse it now, whatever else it is; undefined when its time is right. */
export function timeProblem({ validFromMs, validToMs }: Certificates, nowMs = Date.now()): string | undefined {
  if (nowMs > validToMs) return `expired at ${new Date(validToMs).toISOString()}`;
  if (nowMs < validFromMs) return `is not valid before ${new Date(validFromMs).toISOString()}`;
  return undefined;
}

/** The same for every server and client, also where Node was told to allow older versions. */
export function secureContextOptions({ cert, key, ca }: TlsBytes): SecureContextOptions {
  return { cert, key, ...(ca && { ca }), minVersion: 'TLSv1.2' };
}

/** The first is the server's own. */
function leafOf(pem: Buffer): X509Certificate | undefined {
  return certificatesIn(pem)[0];
}

function certificatesIn(pem: Buffer): X509Certificate[] {
  const found = pem.toString('latin1').match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error('there is no "BEGIN CERTIFICATE" in it');
  return found.map((each) => new X509Certificate(each));
}

function keyOf(pem: Buffer): KeyObject {
  return createPrivateKey(pem);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
};

function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  if (code === 'EACCES') return `user ${process.getuid?.()}, who serves, may not read it`;
  return REASONS[code] ?? message;
}

function told({ variable, path }: TlsFile, problem: string): string {
  return `${variable}="${path}" ${problem}`;
}

function throwAll(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`TLS is not possible:\n  ${problems.join('\n  ')}`);
}
