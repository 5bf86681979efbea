/** `npm run chaos`: builds what is stale, gets the servers that it needs where it may, and breaks things (tests/chaos). */
import { buildWhatIsStale } from './setup.mjs';

const log = console.error;
await buildWhatIsStale({ say: log });
const { prepareFaketime, prepareGoTool, prepareRedis } = await import('../packages/core/dist/testing/index.js');
for (const { missing } of [await prepareRedis(log), await prepareGoTool('mongo-wire', log), await prepareFaketime(log)])
  if (missing) log(`NOT AVAILABLE: ${missing}`);
await import('../tests/dist/chaos/main.js');
