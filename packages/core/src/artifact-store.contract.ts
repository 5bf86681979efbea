/** What every `ArtifactStore` promises. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DamagedError, PIECE_BYTES } from './artifact-pieces.js';
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

    async function read(digest: Digest): Promise<Buffer[] | undefined> {
      const opened = await store.open(digest);
      if (!opened) return undefined;
      const pieces: Buffer[] = [];
      for await (const piece of opened.pieces) pieces.push(Buffer.from(piece));
      assert.equal(Buffer.concat(pieces).length, opened.sizeBytes);
      return pieces;
    }

    it('gives bytes in pieces too, none of them empty or large', async () => {
      for (const size of [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 255 * 1024 + 1, 3_000_000]) {
        const bytes = randomBytes(size);
        const pieces = (await read(await store.put(bytes))) ?? [];
        assert.ok(Buffer.concat(pieces).equals(bytes), `${size} bytes`);
        assert.ok(pieces.every(({ length }) => length > 0 && length <= PIECE_BYTES));
      }
      assert.equal(await store.open(digestOf(randomBytes(8))), undefined);
    });

    it('breaks off a reader of damaged bytes before the last piece, and takes them again whole', async () => {
      const bytes = randomBytes(600_000);
      const digest = await store.put(bytes);
      await damage(digest);
      const opened = await store.open(digest);
      let got = 0;
      await assert.rejects(async () => {
        for await (const piece of opened?.pieces ?? []) got += piece.length;
      }, DamagedError);
      assert.ok(got < bytes.length);
      await store.put(bytes);
      assert.ok(Buffer.concat((await read(digest)) ?? []).equals(bytes));
    });

    it('breaks off a reader of bytes that were removed before it began', async () => {
      const digest = await store.put(randomBytes(3_000_000));
      const opened = await store.open(digest);
      await sleep(5);
      await store.expire(Date.now());
      await assert.rejects(async () => {
        for await (const _ of opened?.pieces ?? []);
      }, DamagedError);
      assert.equal(await store.open(digest), undefined);
    });

    it('notes a use without reading, and says what is not here', async () => {
      const [used, unused] = [randomBytes(10), randomBytes(10)];
      for (const bytes of [used, unused]) await store.put(bytes);
      await sleep(30);
      const thresholdMs = Date.now();
      await sleep(30);
      assert.equal(await store.touch(digestOf(used)), true);
      await store.expire(thresholdMs);
      assert.equal(await store.touch(digestOf(used)), true);
      assert.equal(await store.touch(digestOf(unused)), false);
    });

    /** Put one after the other, so that each was used later than the one before. */
    async function putAll(all: readonly Uint8Array[], durable = false): Promise<Digest[]> {
      const digests: Digest[] = [];
      for (const bytes of all) {
        digests.push(await store.put(bytes, { durable }));
        await sleep(5);
      }
      return digests;
    }
    /** Asking is use: only at the end. */
    const areHere = (digests: readonly Digest[]) =>
      Promise.all(digests.map(async (digest) => (await store.open(digest)) !== undefined));
    const several = (count: number, size: number) => Array.from({ length: count }, () => randomBytes(size));

    it('evicts what was used least recently, and no more than it must', async () => {
      await store.evict(0);
      const digests = await putAll(several(4, 40_960));
      await store.touch(digests[0] ?? '');
      assert.equal(await store.evict(4 * 40_960), 0);
      assert.equal(await store.evict(4 * 40_960 - 1), 1);
      assert.equal(await store.evict(2 * 40_960), 1);
      assert.deepEqual(await areHere(digests), [true, false, false, true]);
    });

    it('evicts what cannot be made again last, also what was first put as what can', async () => {
      await store.evict(0);
      const twice = randomBytes(4_096);
      await putAll([twice]);
      const durable = await putAll([...several(2, 4_096), twice], true);
      await putAll([twice]);
      const others = await putAll(several(3, 4_096));
      assert.equal(await store.evict(4 * 4_096), 2);
      assert.equal(await store.evict(4_096), 3);
      assert.deepEqual(await areHere([...durable, ...others]), [false, false, true, false, false, false]);
    });

    it('counts the smallest artifact as a block of a disk', async () => {
      await store.evict(0);
      const digests = await putAll(several(3, 1));
      assert.equal(await store.evict(3 * 4_096), 0);
      assert.equal(await store.evict(2 * 4_096), 1);
      assert.deepEqual(await areHere(digests), [false, true, true]);
    });

    it('has what is put, however much was evicted meanwhile', async () => {
      const all = several(20, 5_000);
      await Promise.all([putAll(all), store.evict(0), putAll(all, true), store.evict(0), putAll(all)]);
      await putAll(all);
      for (const bytes of all) assert.ok((await get(digestOf(bytes)))?.equals(bytes));
    });
  });
}
