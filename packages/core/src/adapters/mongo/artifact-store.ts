/**
 * Artifacts in MongoDB, in GridFS's own form (`artifacts.files`, `artifacts.chunks`), so that its tools can read them.
 * Ids are made of the digest: whoever puts the same bytes at the same time writes the same chunks under the same ids.
 */
import { Binary, type Collection } from 'mongodb';
import { evictFrom, type Listed } from '../../artifact-eviction.js';
import { checkedPieces } from '../../artifact-pieces.js';
import { type ArtifactStore, type Digest, digestOf } from '../../artifact-store.js';
import { isDuplicate, type MongoOptions, openMongo } from './server.js';

interface FileDocument {
  readonly _id: Digest;
  readonly filename: Digest;
  readonly length: number;
  readonly chunkSize: number;
  readonly uploadDate: Date;
  readonly metadata: { readonly usedAtMs: number; readonly durable: boolean };
}

interface ChunkDocument {
  readonly _id: string;
  readonly files_id: Digest;
  readonly n: number;
  readonly data: Binary | Buffer;
}

const CHUNK_BYTES = 255 * 1024;
const LISTED_AT_ONCE = 1_000;

export function createMongoArtifactStore(options: MongoOptions): ArtifactStore {
  const { db, call, close } = openMongo(options);
  const files: Collection<FileDocument> = db.collection('artifacts.files');
  const chunks: Collection<ChunkDocument> = db.collection('artifacts.chunks');
  const chunkId = (digest: Digest, n: number) => `${digest}:${n}`;
  const chunkCount = (length: number) => Math.ceil(length / CHUNK_BYTES);

  async function touch(digest: Digest, durable = false, options = {}): Promise<boolean> {
    const use = { $set: { 'metadata.usedAtMs': Date.now(), ...(durable && { 'metadata.durable': true }) } };
    const touched = await call(() => files.updateOne({ _id: digest }, use, options));
    return touched.matchedCount > 0;
  }

  /** The file first: without it nobody looks for its chunks. */
  async function remove(digest: Digest, length: number): Promise<void> {
    await call(() => files.deleteOne({ _id: digest }));
    await removeChunks(digest, length);
  }

  /** Unless it was used since it was listed. */
  async function removeUnused({ digest, sizeBytes, usedAtMs }: Listed): Promise<void> {
    const { deletedCount } = await call(() => files.deleteOne({ _id: digest, 'metadata.usedAtMs': usedAtMs }));
    if (deletedCount > 0) await removeChunks(digest, sizeBytes);
  }

  async function removeChunks(digest: Digest, length: number): Promise<void> {
    for (let n = 0; n < chunkCount(length); n += 1) await call(() => chunks.deleteOne({ _id: chunkId(digest, n) }));
  }

  async function* list(): AsyncGenerator<Listed> {
    const options = { sort: { _id: 1 }, limit: LISTED_AT_ONCE, projection: { length: 1, metadata: 1 } } as const;
    for (let after = '', more = true; more; ) {
      const page = await call(() => files.find({ _id: { $gt: after } }, options).toArray());
      for (const { _id: digest, length: sizeBytes, metadata } of page) yield { digest, sizeBytes, ...metadata };
      after = page.at(-1)?._id ?? after;
      more = page.length === LISTED_AT_ONCE;
    }
  }

  /** One at a time, as they are asked for; up to the first that is missing. */
  async function* chunksOf(digest: Digest, length: number): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < chunkCount(length); n += 1) {
      const chunk = await call(() => chunks.findOne({ _id: chunkId(digest, n) }));
      if (!chunk) return;
      yield chunk.data as Buffer;
    }
  }

  return {
    touch: (digest) => touch(digest),

    async put(bytes, { durable } = { durable: false }) {
      // On a replica set "majority" waits for the journal anyway.
      const options = { writeConcern: { w: 'majority', ...(durable && { journal: true }) } } as const;
      const digest = digestOf(bytes);
      if (await touch(digest, durable, options)) return digest;
      for (let n = 0; n < chunkCount(bytes.length); n += 1) {
        const data = new Binary(bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES));
        // Somebody else may have put it, but half of it: write over it.
        const chunk = { files_id: digest, n, data };
        await insertOrKeep(() => chunks.replaceOne({ _id: chunkId(digest, n) }, chunk, { ...options, upsert: true }));
      }
      // Last: a reader finds all of it or nothing.
      const file: FileDocument = {
        _id: digest,
        filename: digest,
        length: bytes.length,
        chunkSize: CHUNK_BYTES,
        uploadDate: new Date(),
        metadata: { usedAtMs: Date.now(), durable },
      };
      await insertOrKeep(() => files.insertOne(file, options));
      return digest;
    },

    async get(digest) {
      const file = await call(() => files.findOne({ _id: digest }));
      if (!file) return undefined;
      const numbers = Array.from({ length: chunkCount(file.length) }, (_, n) => n);
      const parts = await Promise.all(numbers.map((n) => call(() => chunks.findOne({ _id: chunkId(digest, n) }))));
      const bytes = Buffer.concat(parts.flatMap((part) => (part ? [part.data as Buffer] : [])));
      if (digestOf(bytes) !== digest) {
        // So that the next put makes it whole again.
        await remove(digest, file.length);
        return undefined;
      }
      await touch(digest);
      return bytes;
    },

    async open(digest) {
      const file = await call(() => files.findOne({ _id: digest }));
      if (!file) return undefined;
      await touch(digest);
      const { length } = file;
      return {
        sizeBytes: length,
        pieces: checkedPieces(digest, chunksOf(digest, length), () => remove(digest, length)),
      };
    },

    async expire(olderThanMs) {
      let removed = 0;
      for await (const artifact of list()) {
        if (artifact.usedAtMs >= olderThanMs) continue;
        await removeUnused(artifact);
        removed += 1;
      }
      return removed;
    },

    evict: (maxBytes) => evictFrom(list, removeUnused, maxBytes),

    close,
  };

  /** The same bytes have the same id: who comes second finds it done. */
  async function insertOrKeep(write: () => Promise<unknown>): Promise<void> {
    await call(() =>
      write().catch((error) => {
        if (!isDuplicate(error)) throw error;
      }),
    );
  }
}
