/** API keys: who may do what, and how much of it. The key itself is never stored, only its hash. */
import type { FactStore } from './facts.js';
import type { OwnerId } from './job.js';

/** `read` sees jobs, `submit` makes and ends them, `admin` may do everything, for all owners' queues and keys. */
export const SCOPES = ['submit', 'read', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** What a key may use; unset is unlimited. */
export interface KeyLimits {
  readonly requestsPerMinute?: number | undefined;
  /** Jobs without a result at once. */
  readonly unfinishedJobs?: number | undefined;
  /** Processor time of programs in 24 hours, in seconds. */
  readonly cpuSecondsPerDay?: number | undefined;
}

export interface ApiKey {
  readonly id: string;
  /** What its maker calls it. */
  readonly name: string;
  /** Whose jobs it makes and sees; keys with the same owner share them, and what they may use. */
  readonly ownerId: OwnerId;
  /** SHA-256 of the key, in lower-case hexadecimal. A slow hash is for passwords: a key is 256 random bits. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  readonly limits: KeyLimits;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
}

export interface KnownKey extends ApiKey {
  readonly revokedAtMs?: number;
}

export interface KeyStore {
  /** Durable when this resolves. */
  insert(key: ApiKey): Promise<void>;
  get(id: string): Promise<KnownKey | undefined>;
  /** Revoke for good: whoever asks after this resolved sees it, in every process. */
  revoke(id: string): Promise<void>;
  /** By id, after `after`. */
  list(after: string | undefined, limit: number): Promise<KnownKey[]>;
}

export function createKeyStore(facts: FactStore): KeyStore {
  async function withRevocation(key: ApiKey): Promise<KnownKey> {
    const revocation = await facts.get('revocations', key.id);
    return revocation ? { ...key, revokedAtMs: revocation.createdAtMs } : key;
  }
  return {
    async insert(key) {
      await facts.insert({ kind: 'keys', id: key.id, document: key }, { durable: true });
    },
    async get(id) {
      const key = await facts.get('keys', id);
      return key && withRevocation(key);
    },
    async revoke(id) {
      await facts.insert({ kind: 'revocations', id, document: { createdAtMs: Date.now() } }, { durable: true });
    },
    async list(after, limit) {
      const keys = await facts.scan('keys', { ...(after !== undefined && { after }), limit });
      return Promise.all(keys.map(({ document }) => withRevocation(document)));
    },
  };
}
