import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '@runlane/core/testing';
import { startWorkerHttp } from './http.js';
import type { Worker } from './worker.js';

test('where there is nothing, it says what the worker has, and that is there', async () => {
  const worker = {
    stopping: false,
    pool: { slots: () => ({ runners: 1, total: 2 }) },
    metrics: { contentType: 'text/plain', text: async () => '' },
  } as unknown as Worker;
  const where = { host: '127.0.0.1', port: 0 };
  const door = await startWorkerHttp({ worker, where, allowedHosts: ['127.0.0.1'], log: silentLog });
  const get = (path: string) => fetch(`http://127.0.0.1:${door.port}${path}`);
  try {
    const answer = await get('/nowhere');
    assert.equal(answer.status, 404);
    const { detail } = (await answer.json()) as { detail: string };
    const paths = detail.slice(detail.indexOf(';')).match(/\/\w+/g) ?? [];
    assert.deepEqual(paths, ['/healthz', '/readyz', '/metrics']);
    for (const path of paths) assert.equal((await get(path)).status, 200, path);
  } finally {
    await door.close(AbortSignal.timeout(1_000));
  }
});
