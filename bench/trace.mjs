/** Where the time of a job goes: a table of its stages, from the moments that the platform's process tells (packages/core). */
import { readFile } from 'node:fs/promises';
import { connect } from './client.mjs';
import { percentiles, timed, WARM_UP_JOBS } from './measure.mjs';
import { startPlatform } from './platform.mjs';

/** Each stage by the moment that ends it: [moment, what is done]. */
const STAGES = [
  ['visible', 'accept     validated, on its way to the disk'],
  ['saving', 'queue      code-save'],
  ['saved', 'save       claimed, source kept, prepared by a runner'],
  ['delivered', 'queue      code-exec'],
  ['admitted', 'gRPC       admitted: a slot, a sandbox, its files'],
  ['claimed', 'claim      the attempt and its lease'],
  ['started', 'gRPC       go, and the program is started'],
  ['exited', 'sandbox    the program, until nothing of it is left'],
  ['finished', 'finish     result stored durably'],
  ['answered', 'answer     the waiting request'],
];

/** So many jobs one after the other; the median of each stage in microseconds. */
export async function measureStages(count, dataFolder) {
  const hook = new URL('./moments-hook.mjs', import.meta.url).href;
  const platform = await startPlatform(dataFolder, { NODE_OPTIONS: `--import=${hook}` });
  const client = connect(platform.httpPort);
  const whole = [];
  try {
    for (let i = 0; i < WARM_UP_JOBS; i += 1) await client.endToEnd();
    for (let i = 0; i < count; i += 1) whole.push(await timed(client.endToEnd));
  } finally {
    client.close();
    await platform.stop();
  }
  const moments = JSON.parse(await readFile(`${dataFolder}/moments.json`, 'utf8'));
  return tabulate(moments, whole);
}

function tabulate(moments, whole) {
  const jobs = new Map();
  for (const { jobId, moment, atMs } of moments) jobs.set(jobId, { ...jobs.get(jobId), [moment]: atMs });
  const measured = [...jobs.values()].slice(WARM_UP_JOBS);
  const stages = STAGES.map(([ends, name], index) => {
    const begins = index === 0 ? 'received' : STAGES[index - 1][0];
    return { name, us: median(measured.map((at) => at[ends] - at[begins])) * 1_000 };
  });
  const inside = median(measured.map((at) => at.answered - at.received)) * 1_000;
  const client = percentiles(whole).p50Ms * 1_000;
  stages.push({ name: 'HTTP       both ways, and the client itself', us: client - inside });
  return { stages, wholeUs: client };
}

const median = (values) => percentiles(values).p50Ms;

export function printStages({ stages, wholeUs }) {
  console.log('stage of a job, one at a time             median µs');
  for (const { name, us } of stages) {
    const bar = '█'.repeat(Math.round((us / wholeUs) * 60));
    console.log(`${name.padEnd(52)} ${us.toFixed(0).padStart(6)}  ${bar}`);
  }
  console.log(`${'whole'.padEnd(52)} ${wholeUs.toFixed(0).padStart(6)}`);
}
