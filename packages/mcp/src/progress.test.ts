/** What a client is told while a program runs, where it wants to be told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress } from './progress.js';

type Sent = { progressToken: string | number; progress: number; message?: string };

function collect(_meta?: { progressToken: string }) {
  const sent: Sent[] = [];
  const progress = createProgress({
    ...(_meta && { _meta }),
    async sendNotification({ params }) {
      sent.push(params as Sent);
      throw new Error('nobody hears it');
    },
  } as Parameters<typeof createProgress>[0]);
  return { sent, progress };
}

test('nothing is told to who did not ask', () => {
  const { sent, progress } = collect();
  progress.tell({ type: 'status', status: 'running' });
  progress.stop();
  assert.deepEqual(sent, []);
});

test('every change is told, and every second, with ever greater numbers', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const { sent, progress } = collect({ progressToken: 'p' });
  progress.tell({ type: 'status', status: 'queued' });
  progress.tell({ type: 'status', status: 'running' });
  progress.tell({ type: 'stdout', text: 'abc', data: Buffer.from('abc') });
  context.mock.timers.tick(2_000);
  progress.stop();
  context.mock.timers.tick(2_000);
  assert.equal(sent.length, 4);
  assert.match(sent[0]?.message ?? '', /^queued, /);
  assert.match(sent[3]?.message ?? '', /^running, .+, 3 bytes of output so far$/);
  for (const [index, { progressToken, progress: value }] of sent.entries()) {
    assert.equal(progressToken, 'p');
    assert.ok(value > (sent[index - 1]?.progress ?? 0));
  }
});
