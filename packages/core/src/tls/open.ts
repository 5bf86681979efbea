/** Opens the certificates of a service for as long as it runs. */
import type { Closer } from '../closer.js';
import type { Log } from '../log.js';
import type { TlsFiles } from './files.js';
import { type WatchedCertificates, watchCertificates } from './watch.js';

/** Undefined: there is no TLS. @throws Error naming every file that cannot be used. */
export async function openTls(
  files: TlsFiles | undefined,
  { closer, log }: { readonly closer: Closer; readonly log: Log },
): Promise<WatchedCertificates | undefined> {
  if (!files) return undefined;
  const watched = await watchCertificates(files, log);
  closer.add({ name: `${files.cert.variable}`, close: async () => watched.close() });
  return watched;
}
