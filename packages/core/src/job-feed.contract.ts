/** What every `JobFeed` promises. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { v7 as newId } from 'uuid';
import { type FeedEvent, type JobFeed, type JobInput, MAX_WAITING_INPUT_BYTES, type Wish } from './job-feed.js';
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

    const typed = (text: string): JobInput => ({ type: 'stdin', data: Buffer.from(text) });
    const patience = () => AbortSignal.timeout(10_000);

    /** Reads so many inputs. */
    async function take(id: string, count: number): Promise<JobInput[]> {
      const leaving = new AbortController();
      const inputs: JobInput[] = [];
      for await (const input of feed.readInput(id, AbortSignal.any([leaving.signal, patience()]))) {
        inputs.push(withBuffers(input));
        if (inputs.length === count) leaving.abort();
      }
      return inputs;
    }

    it('passes input on as it was given, in order, what came before it was read and what comes after', async () => {
      const id = newId();
      const inputs: JobInput[] = [
        { type: 'stdin', data: everyByte },
        { type: 'signal', name: 'SIGINT' },
        { type: 'resize', rows: 24, columns: 80 },
        typed(''),
        { type: 'close_stdin' },
      ];
      const [first, ...others] = inputs as [JobInput, ...JobInput[]];
      await feed.appendInput(id, 1, first, patience());
      const taking = take(id, inputs.length);
      for (const [at, input] of others.entries()) await feed.appendInput(id, at + 2, input, patience());
      assert.deepEqual(await taking, inputs);
    });

    it('adds input once that is given again under its number', async () => {
      const id = newId();
      for (const sequence of [1, 1, 2, 1, 2, 3]) await feed.appendInput(id, sequence, typed(`${sequence}`), patience());
      assert.deepEqual(await take(id, 3), [typed('1'), typed('2'), typed('3')]);
    });

    it('holds back whoever gives more input than may wait, and loses none of it', async () => {
      const id = newId();
      const pieces = 40;
      const piece = (n: number) => typed(String(n).padEnd(MAX_WAITING_INPUT_BYTES / 16, '.'));
      let given = 0;
      const giving = (async () => {
        for (let n = 1; n <= pieces; n += 1) {
          await feed.appendInput(id, n, piece(n), patience());
          given = n;
        }
      })();
      await until('no more is taken', () => given === 16);
      const impatient = AbortSignal.timeout(300);
      await assert.rejects(() => feed.appendInput(id, 99, typed('no room'), impatient));
      assert.equal(given, 16);
      const inputs = await take(id, pieces);
      await giving;
      assert.deepEqual(
        inputs,
        Array.from({ length: pieces }, (_, at) => withBuffers(piece(at + 1))),
      );
    });

    it('ends whoever reads input when its signal aborts, before and while waiting', async () => {
      const id = newId();
      for await (const _ of feed.readInput(id, AbortSignal.abort())) assert.fail('there is none');
      for await (const _ of feed.readInput(id, AbortSignal.timeout(50))) assert.fail('there is none');
    });

    it('forgets input that is dropped, and that of no other job', async () => {
      const [one, two] = [newId(), newId()];
      for (const id of [one, two]) await feed.appendInput(id, 1, typed('x'), patience());
      await feed.dropInput(one);
      for await (const _ of feed.readInput(one, AbortSignal.timeout(50))) assert.fail('it was dropped');
      assert.deepEqual(await take(two, 1), [typed('x')]);
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
