/** API keys: made, listed, revoked, and recognized. A key is shown once, when it is made; what is kept is its hash. */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { type NewApiKey, RunlaneError } from '@runlane/contract';
import type { KeyStore, KnownKey } from '@runlane/core';
import { type Caller, OPERATOR } from './caller.js';

/** `rl_<id>_<secret>`: by the id it is found and revoked, by the secret it is believed. */
const KEY = /^rl_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 12;
const SECRET_BYTES = 32;
/** Keys that are listed at once. */
const PAGE = 100;

export interface Keys {
  /** Who presents this key. Asked of the store each time, so that a revocation holds at once. @throws RunlaneError `UNAUTHENTICATED` */
  recognize(presented: string | undefined): Promise<Caller>;
  /** A new key, and its text, which nobody can tell again. */
  create(wanted: NewApiKey): Promise<{ readonly key: KnownKey; readonly text: string }>;
  /** @throws RunlaneError `KEY_NOT_FOUND` */
  revoke(id: string): Promise<KnownKey>;
  list(after: string | undefined): Promise<{ readonly keys: readonly KnownKey[]; readonly next?: string }>;
}

export interface KeysOptions {
  readonly store: KeyStore;
  /** The operator's own, of the configuration: it makes the first others. */
  readonly adminKey: string;
  /** Unfinished jobs that a key may have at once which says nothing of it. */
  readonly usualUnfinishedJobs: number;
}

export function createKeys({ store, adminKey, usualUnfinishedJobs }: KeysOptions): Keys {
  const adminDigest = digestOf(adminKey);

  return {
    async recognize(presented) {
      if (presented === undefined) throw unauthenticated('a key is needed: send "Authorization: Bearer KEY"');
      const digest = digestOf(presented);
      // Digests have one length, whatever was presented.
      if (timingSafeEqual(digest, adminDigest)) return OPERATOR;
      const [, id] = KEY.exec(presented) ?? [];
      const key = id === undefined ? undefined : await store.get(id);
      if (!key || !timingSafeEqual(digest, Buffer.from(key.sha256, 'hex')))
        throw unauthenticated('the key is not known');
      if (key.revokedAtMs !== undefined) throw unauthenticated('the key was revoked');
      if (key.expiresAtMs !== undefined && key.expiresAtMs <= Date.now()) throw unauthenticated('the key has expired');
      const limits = { unfinishedJobs: usualUnfinishedJobs, ...key.limits };
      return { ownerId: key.ownerId, keyId: key.id, scopes: new Set(key.scopes), limits };
    },

    async create({ name, ownerId, scopes, limits, expiresAt }) {
      const id = Array.from({ length: ID_LENGTH }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join('');
      const text = `rl_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
      const key = {
        id,
        name,
        ownerId: ownerId ?? id,
        sha256: digestOf(text).toString('hex'),
        scopes,
        limits,
        createdAtMs: Date.now(),
        ...(expiresAt !== undefined && { expiresAtMs: Date.parse(expiresAt) }),
      };
      await store.insert(key);
      return { key, text };
    },

    async revoke(id) {
      if (!(await store.get(id))) throw new RunlaneError('KEY_NOT_FOUND', `there is no key ${id}`);
      await store.revoke(id);
      const revoked = await store.get(id);
      return revoked as KnownKey;
    },

    async list(after) {
      const keys = await store.list(after, PAGE);
      const last = keys.at(-1);
      return { keys, ...(last && keys.length === PAGE && { next: last.id }) };
    },
  };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

const unauthenticated = (reason: string) => new RunlaneError('UNAUTHENTICATED', reason);
