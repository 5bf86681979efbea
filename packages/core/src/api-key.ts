/** API keys: who may do what, and how much of it. The key itself is never stored, only its hash. */
import type { KeyLimits, Scope } from '@runlane/contract';
import type { FactStore } from './facts.js';
import type { OwnerId } from './job.js';

export { type KeyLimits, SCOPES, type Scope } from '@runlane/contract';

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
