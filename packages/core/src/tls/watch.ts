/**
 * Certificates that are taken anew when their files change, without a restart. The files are read again and compared, as
 * watching them would miss what is common: links that are swapped, by certbot and in secrets of Kubernetes.
 */
import { createHash } from 'node:crypto';
import type { Log } from '../log.js';
import { type Certificates, checkCertificates, readTlsFiles, type TlsBytes, timeProblem } from './certificates.js';
import type { TlsFiles } from './files.js';

/** How often the files are read, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

export interface WatchedCertificates {
  /** The last that were found good. */
  readonly current: Certificates;
  /** Called with all later ones. What it returns ends that. */
  onChange(listener: (certificates: Certificates) => void): () => void;
  close(): void;
}

type Found = { readonly bytes: TlsBytes } | { readonly problem: string };

/** @throws Error naming every file that cannot be used. Later, such files leave those in use that were before. */
export async function watchCertificates(files: TlsFiles, log: Log): Promise<WatchedCertificates> {
  const listeners = new Set<(certificates: Certificates) => void>();
  const first = await readTlsFiles(files);
  let current = checkCertificates(first, files);
  let judged = fingerprint({ bytes: first });
  let seen = judged;
  let warnedOf: Certificates | undefined;
  let looking = false;

  async function look(): Promise<void> {
    const found = await readTlsFiles(files).then(
      (bytes): Found => ({ bytes }),
      ({ message }: Error): Found => ({ problem: message }),
    );
    const now = fingerprint(found);
    // Only what is the same twice: certificate and key are two files, and one is written before the other.
    if (now === seen && now !== judged) {
      judged = now;
      judge(found);
    }
    seen = now;
    warnOfTime();
  }

  function judge(found: Found): void {
    try {
      current = replacementOf(current, found, files);
    } catch (error) {
      log.error(
        { reason: (error as Error).message },
        'the new TLS certificate is not taken: the one before stays in use',
      );
      return;
    }
    log.info({ variable: files.cert.variable, serialNumber: current.serialNumber }, 'new TLS certificate in use');
    for (const listener of listeners) listener(current);
  }

  function warnOfTime(): void {
    const problem = timeProblem(current);
    if (problem === undefined || warnedOf === current) return;
    warnedOf = current;
    log.error(`${files.cert.variable}="${files.cert.path}" ${problem}: clients that check it refuse to connect`);
  }

  warnOfTime();
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    await look().catch((error: Error) => log.error({ reason: error.message }, 'the TLS certificate is not looked at'));
    looking = false;
  }, LOOK_EVERY_MS).unref();
  return {
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => clearInterval(timer),
  };
}

/** @throws Error that says why it is worse than what is in use. */
function replacementOf(current: Certificates, found: Found, files: TlsFiles): Certificates {
  if ('problem' in found) throw new Error(found.problem);
  const next = checkCertificates(found.bytes, files);
  const problem = timeProblem(next);
  if (problem !== undefined && timeProblem(current) === undefined)
    throw new Error(`${files.cert.variable}="${files.cert.path}" ${problem}`);
  return next;
}

function fingerprint(found: Found): string {
  if ('problem' in found) return found.problem;
  const hash = createHash('sha256');
  const { cert, key, ca = Buffer.alloc(0) } = found.bytes;
  for (const bytes of [cert, key, ca]) hash.update(`${bytes.length}:`).update(bytes);
  return hash.digest('hex');
}
