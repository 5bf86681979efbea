/** What a runner over TLS is asked with: the authority of its certificate, and where it demands one, a certificate of ours. */
import { readFile } from 'node:fs/promises';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

/** Paths of PEM files. */
interface TlsFilesGiven {
  readonly ca: string;
  readonly own?: { readonly cert: string; readonly key: string };
}

/** @throws Error that names the file which cannot be read, or says that they cannot be used. */
export async function tlsCredentials({ ca, own }: TlsFilesGiven): Promise<ChannelCredentials> {
  const roots = await readFile(ca);
  if (!roots.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`${ca} holds no certificate in PEM form`);
  const [key, cert] = own ? await Promise.all([readFile(own.key), readFile(own.cert)]) : [undefined, undefined];
  try {
    return credentials.createSsl(roots, key, cert);
  } catch (error) {
    throw new Error(`${[ca, own?.cert, own?.key].filter(Boolean).join(', ')}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
