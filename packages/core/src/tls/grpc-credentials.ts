/**
 * Certificates for gRPC. The library can watch files itself, but serves nobody from when one of them is missing, half
 * written or not the other's until that is mended; so it is handed what has been found good.
 */
import { type ChannelCredentials, credentials, experimental, ServerCredentials } from '@grpc/grpc-js';
import { type Certificates, secureContextOptions } from './certificates.js';
import type { WatchedCertificates } from './watch.js';

/** In the open without certificates. With an authority, whoever connects must have a certificate of it. */
export function serverCredentials(tls: WatchedCertificates | undefined): ServerCredentials {
  return tls ? new WatchedServerCredentials(tls) : ServerCredentials.createInsecure();
}

/** Not the library's `createSsl`, whose certificates stay the same for ever. */
class WatchedServerCredentials extends ServerCredentials {
  constructor(tls: WatchedCertificates) {
    const asks = tls.current.ca !== undefined;
    super({ requestCert: asks, rejectUnauthorized: asks }, secureContextOptions(tls.current));
    // Connections that are there keep what they were made with.
    tls.onChange((next) => this.updateSecureContextOptions(secureContextOptions(next)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** For calls: shows the certificate, and takes only servers with one of the authority, for the name that they are called by. */
export function channelCredentials(tls: WatchedCertificates | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const provider = createProvider(tls);
  return experimental.createCertificateProviderChannelCredentials(provider, provider);
}

type Provider = Parameters<typeof experimental.createCertificateProviderChannelCredentials>[0];
type CaListener = Parameters<Provider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<Provider['addIdentityCertificateListener']>[0];

/** Every connection asks for the latest; listeners are told later than they are added, as the library has it. */
function createProvider(tls: WatchedCertificates): Provider {
  const caOf = ({ ca }: Certificates) => (ca ? { caCertificate: ca } : null);
  const identityOf = ({ cert, key }: Certificates) => ({ certificate: cert, privateKey: key });
  const endings = new Map<CaListener | IdentityListener, () => void>();
  function add<T>(listener: (update: T) => void, partOf: (certificates: Certificates) => T): () => void {
    process.nextTick(() => listener(partOf(tls.current)));
    return tls.onChange((next) => listener(partOf(next)));
  }
  function remove(listener: CaListener | IdentityListener): void {
    endings.get(listener)?.();
    endings.delete(listener);
  }
  return {
    addCaCertificateListener: (listener) => void endings.set(listener, add(listener, caOf)),
    removeCaCertificateListener: remove,
    addIdentityCertificateListener: (listener) => void endings.set(listener, add(listener, identityOf)),
    removeIdentityCertificateListener: remove,
  };
}
