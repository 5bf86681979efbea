/** What every `FactStore` promises. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Fact, FactStore } from './facts.js';
import { aJob, aResult, withBuffers } from './testing/jobs.js';

/** @param open an empty store; it is asked for once. */
export function testFactStore(adapter: string, open: () => Promise<FactStore>, skip: string | false = false): void {
  const durable = { durable: true } as const;
  const soon = { durable: false } as const;
  const cancellation = (id: string, createdAtMs = 1): Fact => ({
    kind: 'cancellations',
    id,
    document: { createdAtMs },
  });
  const inflight = (id: string, ownerId = 'anonymous'): Fact => ({
    kind: 'inflight',
    id,
    document: { createdAtMs: 1, ownerId },
  });
  describe(`the ${adapter} fact store`, { skip }, () => {
    let store: FactStore;
    before(async () => {
      store = await open();
    });
    after(() => store.close());

    it('says once when a fact can be seen, before it says that it is there for good', async () => {
      const seen: (Promise<unknown> | string)[] = [];
      for (const options of [durable, soon]) {
        const fact = cancellation(`visible ${options.durable}`);
        const onVisible = () => seen.push(store.get('cancellations', fact.id));
        await store.insert(fact, { ...options, onVisible }).then(() => seen.push('inserted'));
        await store.insert(fact, { ...options, onVisible }).then(() => seen.push('taken'));
      }
      const document = { createdAtMs: 1 };
      assert.deepEqual(await Promise.all(seen), [document, 'inserted', 'taken', document, 'inserted', 'taken']);
    });

    it('gives back a job as it was inserted: binary, odd keys and odd texts included', async () => {
      const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const odd = {
        'a.b': '1',
        $set: '2',
        a$b: '3',
        '': '4',
        '%': '5',
        '%2e': '6',
        '\0': '7',
        constructor: '8',
        'ключ 🔑': 'значение 🔑',
        value: 'NUL \0 inside, "quotes", \\backslashes\\ and\r\nlines',
        empty: '',
      };
      Object.defineProperty(odd, '__proto__', { value: '9', enumerable: true });
      const job = aJob({
        metadata: odd,
        program: {
          ...aJob().program,
          files: [
            { path: 'main.py', content: everyByte },
            { path: 'empty', content: Buffer.alloc(0) },
          ],
          stdin: everyByte,
          args: ['', '$where', '-0'],
          env: odd,
          limits: { wallTimeMs: 1.5, memoryBytes: 5_000_000_000, compile: { cpuTimeMs: 1 } },
        },
      });
      assert.equal(await store.insert({ kind: 'jobs', id: job.id, document: job }, durable), true);
      const found = await store.get('jobs', job.id);
      assert.deepEqual(withBuffers(found), withBuffers(job));
      assert.ok(found && Object.hasOwn(found.program.env, '__proto__'));
    });

    it('gives back absent fields as absent, and null as null', async () => {
      const result = {
        ...aResult('error', { exitCode: null, signal: null }),
        attempt: 0,
        finishedAtMs: 2,
        message: undefined,
      };
      await store.insert({ kind: 'results', id: 'absent', document: result as never }, durable);
      const found = await store.get('results', 'absent');
      assert.equal(found?.exitCode, null);
      assert.ok(found && !('compile' in found) && found.message === undefined);
    });

    it('answers undefined for what it does not have', async () => {
      assert.equal(await store.get('jobs', 'nothing'), undefined);
    });

    it('keeps the first fact under an id and refuses the second', async () => {
      assert.equal(await store.insert(cancellation('first', 1), durable), true);
      assert.equal(await store.insert(cancellation('first', 2), durable), false);
      assert.equal(await store.insert(cancellation('first', 3), soon), false);
      assert.deepEqual(await store.get('cancellations', 'first'), { createdAtMs: 1 });
    });

    it('lets one of 50 racing inserts win', async () => {
      for (const options of [durable, soon]) {
        const id = `race-${options.durable}`;
        const won = await Promise.all(
          Array.from({ length: 50 }, (_, racer) => store.insert(cancellation(id, racer), options)),
        );
        assert.equal(won.filter(Boolean).length, 1);
        assert.deepEqual(await store.get('cancellations', id), { createdAtMs: won.indexOf(true) });
      }
    });

    it('shows what it took to every reader at once, durable or not', async () => {
      await store.insert(cancellation('seen'), soon);
      assert.deepEqual(await store.get('cancellations', 'seen'), { createdAtMs: 1 });
      await store.put(cancellation('seen', 2));
      assert.deepEqual(await store.get('cancellations', 'seen'), { createdAtMs: 2 });
      const before = await store.count('cancellations');
      await store.insert(cancellation('seen 2'), soon);
      const found = await store.scan('cancellations', { after: 'seen', limit: 1 });
      assert.deepEqual(found, [{ id: 'seen 2', document: { createdAtMs: 1 } }]);
      await store.put(cancellation('seen 3'));
      assert.equal(await store.count('cancellations'), before + 2);
    });

    it('inserts what belongs to a fact, and removes what ends with it', async () => {
      const job = aJob();
      const owed: Fact = { kind: 'owed', id: job.id, document: { createdAtMs: 1, ownerId: job.ownerId } };
      const companions = { durable: true, with: [inflight(job.id), owed] };
      await store.insert({ kind: 'jobs', id: job.id, document: job }, companions);
      assert.deepEqual(await store.get('inflight', job.id), { createdAtMs: 1, ownerId: 'anonymous' });
      assert.deepEqual(await store.get('owed', job.id), { createdAtMs: 1, ownerId: job.ownerId });
      const result: Fact = { kind: 'results', id: job.id, document: { ...aResult(), attempt: 1, finishedAtMs: 2 } };
      const removing = { kind: 'inflight', id: job.id } as const;
      assert.equal(await store.insert(result, { durable: true, removing }), true);
      assert.equal(await store.get('inflight', job.id), undefined);
    });

    it('inserts many at once, and leaves those whose ids are taken as they are', async () => {
      const ids = Array.from({ length: 250 }, (_, n) => `many ${n}`);
      await store.insert(cancellation('many 7', 7), durable);
      await store.insertAll([...ids.map((id) => cancellation(id)), ...ids.map((id) => inflight(id))]);
      await store.insertAll(ids.map((id) => cancellation(id, 2)));
      await store.insertAll([]);
      const found = await store.pick('cancellations', ids, ['createdAtMs']);
      assert.deepEqual([...found.keys()].toSorted(), ids.toSorted());
      for (const [id, { createdAtMs }] of found) assert.equal(createdAtMs, id === 'many 7' ? 7 : 1, id);
      assert.equal((await store.pick('inflight', ids, [])).size, ids.length);
      // A single insert hears that it comes second, and so does the other of two races.
      assert.equal(await store.insert(cancellation('many 8', 3), soon), false);
      const [, single] = await Promise.all([
        store.insertAll([cancellation('both', 1)]),
        store.insert(cancellation('both', 2), durable),
      ]);
      assert.deepEqual(await store.get('cancellations', 'both'), { createdAtMs: single ? 2 : 1 });
      for (const id of [...ids, 'both']) {
        await store.remove('cancellations', id);
        await store.remove('inflight', id);
      }
    });

    it('picks fields of many facts, and only what is there', async () => {
      const result = { ...aResult('timed_out', { exitCode: null }), attempt: 2, finishedAtMs: 3 };
      const { exitCode: _, ...withoutCode } = result;
      await store.insert({ kind: 'results', id: 'picked', document: result }, durable);
      await store.insert({ kind: 'results', id: 'picked 2', document: withoutCode as never }, soon);
      const fields = ['status', 'exitCode', 'finishedAtMs'] as const;
      const found = await store.pick('results', ['picked', 'nothing', 'picked 2'], fields);
      assert.deepEqual(Object.fromEntries(found), {
        picked: { status: 'timed_out', exitCode: null, finishedAtMs: 3 },
        'picked 2': { status: 'timed_out', finishedAtMs: 3 },
      });
      assert.deepEqual([...(await store.pick('results', ['picked'], []))], [['picked', {}]]);
      assert.equal((await store.pick('results', [], fields)).size, 0);
    });

    it('gives back a batch as it was inserted: odd keys included', async () => {
      const metadata = Object.fromEntries(['a.b', '$set', '', '%', '\0'].map((key) => [key, key]));
      Object.defineProperty(metadata, '__proto__', { value: '9', enumerable: true });
      const batch = { id: 'b', ownerId: 'me', total: 3, metadata, createdAtMs: 1 };
      await store.insert({ kind: 'batches', id: 'b', document: batch }, durable);
      assert.deepEqual(await store.get('batches', 'b'), batch);
    });

    it('overwrites with put, and creates what is not there', async () => {
      await store.put(cancellation('put', 1));
      await store.put(cancellation('put', 2));
      assert.deepEqual(await store.get('cancellations', 'put'), { createdAtMs: 2 });
    });

    it('removes, and frees the id; removing nothing is harmless', async () => {
      await store.insert(cancellation('gone'), durable);
      await store.remove('cancellations', 'gone');
      await store.remove('cancellations', 'gone');
      assert.equal(await store.get('cancellations', 'gone'), undefined);
      assert.equal(await store.insert(cancellation('gone', 2), durable), true);
    });

    it('scans in the order of ids, both ways, from a cursor, and never beyond its kind', async () => {
      const ids = ['b', 'a', 'e', 'd', 'c'];
      const document = { artifactDigest: '', createdAtMs: 1 };
      for (const id of ids) await store.insert({ kind: 'builds', id, document }, durable);
      const scanned = async (options: Parameters<FactStore['scan']>[1]) =>
        (await store.scan('builds', options)).map(({ id }) => id).join('');
      assert.equal(await scanned({ limit: 10 }), 'abcde');
      assert.equal(await scanned({ limit: 2 }), 'ab');
      assert.equal(await scanned({ limit: 2, after: 'b' }), 'cd');
      assert.equal(await scanned({ limit: 10, after: 'bb' }), 'cde');
      assert.equal(await scanned({ limit: 10, after: 'e' }), '');
      assert.equal(await scanned({ limit: 2, descending: true }), 'ed');
      assert.equal(await scanned({ limit: 10, descending: true, after: 'c' }), 'ba');
      assert.equal(await scanned({ limit: 10, descending: true, after: 'a' }), '');
      assert.deepEqual((await store.scan('builds', { limit: 1 }))[0], { id: 'a', document });
    });

    it('counts a kind', async () => {
      const before = await store.count('saved');
      for (const id of ['s1', 's2', 's3'])
        await store.insert({ kind: 'saved', id, document: { artifactDigest: '' } }, durable);
      await store.remove('saved', 's2');
      assert.equal((await store.count('saved')) - before, 2);
    });

    it('keeps ids apart that differ only in kind or in odd characters', async () => {
      const ids = ['x', 'x:e:1', 'x:e:10', 'o:$key', 'o:a.b', 'o:', 'X'];
      for (const [at, id] of ids.entries()) await store.insert(cancellation(id, at), durable);
      for (const [at, id] of ids.entries()) assert.deepEqual(await store.get('cancellations', id), { createdAtMs: at });
      assert.equal(await store.get('saved', 'x'), undefined);
    });

    it('answers a ping', async () => {
      await store.ping();
    });
  });
}
