/**
 * `npm run load`: load by k6, which fails where an accepted job is lost or there twice, or an answer is a 5xx but 503 (docs/load.md).
 *
 *   npm run load                         steady load on the distributed form, started for it
 *   npm run load -- spike streaming      these, one after the other; steady, spike, soak or streaming
 *
 *   --embedded          start the form on one machine instead
 *   --url URL           load a platform that runs already, over REST; its key is RUNLANE_API_KEY
 *   --grpc HOST:PORT    and over gRPC
 *   --grpc-tls          gRPC is over TLS
 *   --duration TIME     30s, 5m, 1h; a minute when not given, half an hour for soak
 *   --rate N            jobs a second at each door (10); with streaming, how many watch at each door
 *   --patience TIME     a job without a result after this time is lost (60s)
 *   --json              one document of results, for machines
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWhatIsStale } from '../scripts/setup.mjs';
import { checkAfterwards } from './k6/afterwards.mjs';
import { findK6, runK6 } from './k6/k6.mjs';
import { printLoad } from './k6/report.mjs';
import { openTarget } from './k6/target.mjs';

const USUAL_SECONDS = { steady: 60, spike: 60, soak: 1_800, streaming: 60 };
const UNITS = { s: 1, m: 60, h: 3_600 };

const { scenarios, options } = readArguments();
const say = (text) => options.json || console.log(text);
process.exitCode = await main();

async function main() {
  await buildWhatIsStale({ say });
  const k6 = await findK6(say);
  const folder = await mkdtemp(join(tmpdir(), 'runlane-load-'));
  let target;
  try {
    target = await openTarget({ ...options, folder, say });
    const results = [];
    for (const scenario of scenarios) {
      const seconds = options.seconds ?? USUAL_SECONDS[scenario];
      say(`\n${scenario}, ${seconds} s, on ${target.name} …`);
      const load = await runK6({ k6, folder, scenario, seconds, target, say, ...options });
      say('asking for every result again …');
      const afterwards = await checkAfterwards({ target, ...load, patienceSeconds: options.patienceSeconds });
      const passed = load.passed && afterwards.lost.length + afterwards.doubled.length === 0;
      const { jobs: _, ...figures } = load;
      results.push({ scenario, seconds, ...figures, afterwards, passed });
      if (!options.json) printLoad(results.at(-1));
    }
    if (options.json) console.log(JSON.stringify(results, undefined, 2));
    return results.every(({ passed }) => passed) ? 0 : 1;
  } finally {
    await target?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        grpc: { type: 'string' },
        'grpc-tls': { type: 'boolean', default: false },
        embedded: { type: 'boolean', default: false },
        duration: { type: 'string' },
        rate: { type: 'string', default: '10' },
        patience: { type: 'string', default: '60s' },
        json: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.find((word) => !Object.hasOwn(USUAL_SECONDS, word));
    if (unknown) throw new Error(`"${unknown}" must be ${Object.keys(USUAL_SECONDS).join(', ')}`);
    if (values.grpc && !values.url) throw new Error('--grpc needs --url: results are asked for again over REST');
    const rate = Number(values.rate);
    if (!Number.isInteger(rate) || rate < 1) throw new Error(`--rate "${values.rate}" must be a whole number from 1`);
    return {
      scenarios: positionals.length > 0 ? positionals : ['steady'],
      options: {
        url: values.url?.replace(/\/$/, ''),
        grpc: values.grpc,
        grpcTls: values['grpc-tls'],
        embedded: values.embedded,
        json: values.json,
        rate,
        seconds: values.duration && secondsOf('--duration', values.duration),
        patienceSeconds: secondsOf('--patience', values.patience),
      },
    };
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}

function secondsOf(option, text) {
  const [, count, unit] = /^(\d+)([smh])$/.exec(text) ?? [];
  if (!(Number(count) > 0)) throw new Error(`${option} "${text}" must be a time such as 30s, 5m or 1h`);
  return Number(count) * UNITS[unit];
}
