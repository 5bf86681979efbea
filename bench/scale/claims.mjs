/** Takes deliveries from a queue and claims their jobs, one after the other and nothing else: what a worker does before it works. */
import { openPorts } from '../../packages/core/dist/adapters/index.js';
import { createCloser, createLog } from '../../packages/core/dist/index.js';

const LEASE_MS = 600_000;

export async function openClaims({ dataFolder, env }) {
  const log = createLog('bench', 'error');
  const closer = createCloser({ graceMs: 10_000, log });
  const config = { LEASE_SECONDS: LEASE_MS, MAX_ATTEMPTS: 3, MONGO_URL: undefined, REDIS_URL: env.REDIS_URL };
  const { store, openQueue } = await openPorts({ ...config, DATA_DIR: dataFolder }, { closer, log });
  const { queue } = openQueue;
  const depth = await queue.depth('save');
  let claimed;
  /** What the store had of each, in milliseconds. */
  const storeMs = [];
  let letGo = () => {};
  const next = async () => {
    const outcome = await new Promise((resolve) => {
      claimed = resolve;
      letGo();
    });
    if (outcome !== 'claimed') throw new Error(`a job was ${outcome}`);
  };
  const first = next();
  queue.process('save', 1, async (id) => {
    const startMs = performance.now();
    const { outcome } = await store.claim(id, 'save', 'bench');
    storeMs.push(performance.now() - startMs);
    claimed(outcome);
    await new Promise((resolve) => {
      letGo = resolve;
    });
  });
  await first;
  return {
    depth,
    storeMs,
    /** From giving one delivery back to having claimed the job of the next. */
    next,
    close: () => closer.close(),
  };
}
