/** Ten minutes of load: whether the rate or the memory drifts. */
import { connect } from './client.mjs';
import { mib, rateOf, WARM_UP_JOBS } from './measure.mjs';
import { residentBytes, startPlatform } from './platform.mjs';

const MINUTES = 10;
/** Memory may be this many times what it was after the first jobs. */
const GROWTH = 1.1;

export async function measureDrift(dataFolder, say) {
  const platform = await startPlatform(dataFolder);
  const client = connect(platform.httpPort);
  try {
    await rateOf(WARM_UP_JOBS, 8, client.endToEnd);
    const first = residentBytes(platform.pid);
    const perSecond = [];
    let jobs = WARM_UP_JOBS;
    for (let minute = 1; minute <= MINUTES; minute += 1) {
      const untilMs = performance.now() + 60_000;
      let ended = 0;
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (; performance.now() < untilMs; ended += 1) await client.endToEnd();
        }),
      );
      jobs += ended;
      perSecond.push(ended / 60);
      say(`minute ${minute}: ${(ended / 60).toFixed(0)} jobs/s`);
    }
    const last = residentBytes(platform.pid);
    const memory = Object.keys(first).map((name) => ({
      name,
      firstMiB: mib(first[name]),
      lastMiB: mib(last[name] ?? 0),
    }));
    return { perSecond, jobs, memory };
  } finally {
    client.close();
    await platform.stop();
  }
}

export function printDrift({ perSecond, jobs, memory }) {
  console.log(`\n${jobs} jobs in ${MINUTES} minutes: ${perSecond.map((rate) => rate.toFixed(0)).join(' ')} jobs/s`);
  console.log(`resident memory    after ${WARM_UP_JOBS} jobs   at the end`);
  for (const { name, firstMiB, lastMiB } of memory) {
    const verdict = lastMiB <= GROWTH * firstMiB ? 'met' : 'MISSED';
    console.log(
      `${name.padEnd(16)} ${firstMiB.toFixed(0).padStart(10)} MiB ${lastMiB.toFixed(0).padStart(10)} MiB   ${(lastMiB / firstMiB).toFixed(2)} × (target ≤ ${GROWTH}: ${verdict})`,
    );
  }
}
