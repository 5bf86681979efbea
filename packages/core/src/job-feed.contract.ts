/** What every `JobFeed` promises. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { v7 as newId } from 'uuid';
import type { FeedEvent, JobFeed, Wish } from './job-feed.js';
import type { JudgedCase } from './judging.js';
import { until, withBuffers } from './testing/jobs.js';

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

const running = (id: string): FeedEvent => ({ id, type: 'status', status: 'running' });
const stdout = (id: string, text: string | Buffer): FeedEvent => ({ id, type: 'stdout', data: Buffer.from(text) });
const aCase: JudgedCase = {
  index: 3,
  name: 'ünü\0',
  verdict: 'accepted',
  wallTimeMs: 12.5,
  cpuTimeMs: 3,
  memoryPeakBytes: 2 ** 33,
};
const end = (id: string): FeedEvent => ({ id, type: 'end' });

/** @param open a feed; two of them see the same, where they are in processes of their own. */
export function testJobFeed(adapter: string, open: () => Promise<JobFeed>, skip: string | false = false): void {
  describe(`the ${adapter} job feed`, { skip }, () => {
    let feed: JobFeed;
    before(async () => {
      feed = await open();
    });
    after(() => feed.close());

    async function readAll(id: string, from?: string): Promise<FeedEvent[]> {
      const events: FeedEvent[] = [];
      for await (const event of feed.read(id, from, AbortSignal.timeout(10_000))) events.push(withBuffers(event));
      return events;
    }

    it('gives back all events in order, bytes as bytes, up to the end', async () => {
      const id = newId();
      const events: FeedEvent[] = [
        running('1-1'),
        stdout('1-2', everyByte),
        { id: '1-3', type: 'stderr', data: Buffer.from('é\0\r\n') },
        stdout('1-4', ''),
        { id: '1-5', type: 'case', case: aCase },
        end('1-6'),
      ];
      for (const event of events) assert.equal(await feed.append(id, event), true);
      assert.deepEqual(await readAll(id), events);
    });

    it('takes a view into a larger buffer as what it shows', async () => {
      const id = newId();
      const data = new Uint8Array(everyByte.buffer, everyByte.byteOffset + 10, 5);
      await feed.append(id, { id: '1-1', type: 'stdout', data });
      await feed.append(id, end('1-2'));
      assert.deepEqual((await readAll(id))[0], stdout('1-1', everyByte.subarray(10, 15)));
    });

    it('goes on after the event that a reader saw last', async () => {
      const id = newId();
      for (let n = 1; n <= 12; n += 1) await feed.append(id, stdout(`1-${n}`, String(n)));
      await feed.append(id, end('1-13'));
      const seen = (await readAll(id, '1-9')).map((event) => event.id);
      assert.deepEqual(seen, ['1-10', '1-11', '1-12', '1-13']);
    });

    it('refuses an event that is not later than the last: what an attempt that is over still says', async () => {
      const id = newId();
      assert.equal(await feed.append(id, stdout('1-1', 'a')), true);
      assert.equal(await feed.append(id, running('2-1')), true);
      assert.equal(await feed.append(id, stdout('1-2', 'late')), false);
      assert.equal(await feed.append(id, running('2-1')), false);
      assert.equal(await feed.append(id, stdout('2-10', 'b')), true);
      assert.equal(await feed.append(id, stdout('2-9', 'late')), false);
      assert.equal(await feed.append(id, end('2-11')), true);
      const seen = (await readAll(id)).map((event) => event.id);
      assert.deepEqual(seen, ['1-1', '2-1', '2-10', '2-11']);
    });

    it('shows two readers every event as it comes, before and after they began', async () => {
      const id = newId();
      await feed.append(id, running('1-1'));
      const reading = [readAll(id), readAll(id, '1-1')];
      for (let n = 2; n <= 600; n += 1) await feed.append(id, stdout(`1-${n}`, String(n)));
      await feed.append(id, end('1-601'));
      const [all = [], rest = []] = await Promise.all(reading);
      assert.equal(all.length, 601);
      assert.deepEqual(rest, all.slice(1));
    });

    it('shows an event soon', async () => {
      const id = newId();
      const events = feed.read(id, undefined, AbortSignal.timeout(10_000))[Symbol.asyncIterator]();
      for (let n = 1; n <= 5; n += 1) {
        const next = events.next();
        const startMs = performance.now();
        await feed.append(id, stdout(`1-${n}`, ''));
        assert.equal((await next).value?.id, `1-${n}`);
        assert.ok(performance.now() - startMs < 500);
      }
      await events.return?.();
    });

    it('ends a reader with AbortError when its signal aborts, before, while waiting and while reading', async () => {
      const id = newId();
      const isAbort = { name: 'AbortError' };
      await feed.append(id, running('1-1'));
      const drain = async (signal: AbortSignal, onEvent = () => {}) => {
        for await (const _ of feed.read(id, undefined, signal)) onEvent();
      };
      await assert.rejects(() => drain(AbortSignal.abort()), isAbort);
      const waiting = new AbortController();
      const read = drain(waiting.signal, () => setTimeout(() => waiting.abort(), 20));
      await assert.rejects(() => read, isAbort);
      const reading = new AbortController();
      await assert.rejects(() => drain(reading.signal, () => reading.abort()), isAbort);
    });

    it('lets a reader leave, and serves the others', async () => {
      const id = newId();
      await feed.append(id, running('1-1'));
      const others = readAll(id);
      for await (const _ of feed.read(id, undefined, AbortSignal.timeout(10_000))) break;
      await feed.append(id, end('1-2'));
      assert.equal((await others).length, 2);
    });

    it('knows which events it has', async () => {
      const id = newId();
      await feed.append(id, running('1-1'));
      assert.equal(await feed.has(id, '1-1'), true);
      assert.equal(await feed.has(id, '1-2'), false);
      assert.equal(await feed.has(newId(), '1-1'), false);
    });

    it('passes wishes to all who listen, and not to those who stopped', async () => {
      const id = newId();
      const heard: string[] = [];
      const listen = (name: string) => feed.onWish(id, (wish: Wish) => heard.push(`${name} ${wish.type}`));
      const [stopA, stopB] = [listen('a'), listen('b')];
      await until('both hear it', async () => {
        await feed.wish(id, { type: 'cancel' });
        return heard.includes('a cancel') && heard.includes('b cancel');
      });
      stopA();
      stopA();
      heard.length = 0;
      await until('the other hears it', async () => {
        await feed.wish(id, { type: 'cancel' });
        return heard.length > 0;
      });
      assert.ok(heard.every((words) => words === 'b cancel'));
      stopB();
      await feed.wish(newId(), { type: 'cancel' });
    });

    it('keeps jobs apart', async () => {
      const [one, two] = [newId(), newId()];
      await feed.append(one, stdout('1-1', 'one'));
      assert.equal(await feed.append(two, stdout('1-1', 'two')), true);
      await feed.append(two, end('1-2'));
      assert.deepEqual((await readAll(two))[0], stdout('1-1', 'two'));
    });
  });
}
