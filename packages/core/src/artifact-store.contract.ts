/** What every `ArtifactStore` promises. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ArtifactStore, type Digest, digestOf } from './artifact-store.js';

/** A store, and how to spoil some of its bytes behind its back. */
export interface OpenArtifactStore {
  readonly store: ArtifactStore;
  damage(digest: Digest): Promise<void>;
}

export function testArtifactStore(
  adapter: string,
  open: () => Promise<OpenArtifactStore>,
  skip: string | false = false,
): void {
  describe(`the ${adapter} artifact store`, { skip }, () => {
    let store: ArtifactStore;
    let damage: OpenArtifactStore['damage'];
    before(async () => {
      ({ store, damage } = await open());
    });
    after(() => store.close());
    const get = async (digest: Digest) => {
      const bytes = await store.get(digest);
      return bytes && Buffer.from(bytes);
    };

    it('gives back bytes by their SHA-256, whatever their size', async () => {
      for (const size of [0, 1, 255 * 1024, 255 * 1024 + 1, 3_000_000]) {
        const bytes = randomBytes(size);
        const digest = await store.put(bytes);
        assert.equal(digest, digestOf(bytes));
        assert.ok((await get(digest))?.equals(bytes), `${size} bytes`);
      }
    });

    it('takes a view into a larger buffer as what it shows', async () => {
      const bytes = randomBytes(1_000);
      const view = new Uint8Array(bytes.buffer, bytes.byteOffset + 100, 10);
      assert.deepEqual(await get(await store.put(view)), bytes.subarray(100, 110));
    });

    it('answers undefined for what it does not have', async () => {
      assert.equal(await store.get(digestOf(randomBytes(8))), undefined);
    });

    it('takes the same bytes twice, at the same time too', async () => {
      const bytes = randomBytes(600_000);
      const digests = await Promise.all(Array.from({ length: 10 }, () => store.put(bytes)));
      assert.deepEqual(new Set(digests), new Set([digestOf(bytes)]));
      assert.ok((await get(digestOf(bytes)))?.equals(bytes));
    });

    it('does not give out damaged bytes, and takes them again whole', async () => {
      const bytes = randomBytes(300_000);
      const digest = await store.put(bytes);
      await damage(digest);
      assert.equal(await store.get(digest), undefined);
      await store.put(bytes);
      assert.ok((await get(digest))?.equals(bytes));
    });

    it('takes bytes that are to be on disk, new ones and those that it has', async () => {
      for (const bytes of [randomBytes(0), randomBytes(300_000)]) {
        const digest = await store.put(bytes, { durable: true });
        assert.equal(digest, digestOf(bytes));
        assert.equal(await store.put(bytes, { durable: true }), digest);
        assert.ok((await get(digest))?.equals(bytes));
      }
    });

    it('removes what was not used since a time, and keeps what was put or got', async () => {
      const [old, got, put] = [randomBytes(10), randomBytes(10), randomBytes(10)];
      for (const bytes of [old, got, put]) await store.put(bytes);
      await sleep(30);
      const thresholdMs = Date.now();
      await sleep(30);
      await store.get(digestOf(got));
      await store.put(put);
      assert.ok((await store.expire(thresholdMs)) >= 1);
      assert.equal(await store.get(digestOf(old)), undefined);
      assert.ok(await store.get(digestOf(got)));
      assert.ok(await store.get(digestOf(put)));
      assert.equal(await store.expire(thresholdMs), 0);
      await store.put(old);
      assert.ok((await get(digestOf(old)))?.equals(old));
    });
  });
}
