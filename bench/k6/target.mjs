/** What is loaded: a platform that runs already, or one that is started for it, and ended. */
import { join } from 'node:path';
import { startPlatform } from '../platform.mjs';

/** Jobs may wait, in a spike: more of them than anybody sends here. */
const ROOM = { MAX_QUEUED_JOBS: '1000000' };

export async function openTarget({ url, grpc, grpcTls, embedded, folder, say }) {
  const apiKey = process.env.RUNLANE_API_KEY;
  if (url) return { name: url, url, grpc, grpcTls, apiKey, close: async () => {} };
  if (embedded) {
    say('starting the platform, everything embedded …');
    const own = { ...ROOM, MONGO_URL: '', REDIS_URL: '', RUNNERS: '' };
    const { httpPort, grpcPort, stop } = await startPlatform(join(folder, 'data'), own);
    return {
      name: 'the embedded form',
      url: `http://127.0.0.1:${httpPort}`,
      grpc: `127.0.0.1:${grpcPort}`,
      close: stop,
    };
  }
  say('starting command, three workers and a runner, over Redis and a server that speaks MongoDB …');
  const { prepareGoTool, prepareRedis } = await import('../../packages/core/dist/testing/index.js');
  for (const { missing } of [await prepareRedis(say), await prepareGoTool('mongo-wire', say)])
    if (missing) throw new Error(`${missing}. Without it: --embedded, or --url`);
  const { startDistributed } = await import('../../tests/dist/system/platforms.js');
  // Its runner keeps no toolchains: those of other languages would be made anew, for a minute.
  const { baseUrl, grpcAddress, stop } = await startDistributed({ env: { ...ROOM, LANGUAGES: 'python' } });
  return { name: 'the distributed form', url: baseUrl, grpc: grpcAddress, close: stop };
}
