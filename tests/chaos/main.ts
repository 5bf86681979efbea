/**
 * `npm run chaos`: breaks everything that can break while clients work, and counts what was lost and what came twice.
 * What it prints and how it judges: docs/chaos.md.
 */
import { parseArgs } from 'node:util';
import { FULL, SHORT } from './forms.js';
import { linesOf } from './report.js';
import { runSuite } from './suite.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    logs: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
if (!Number.isSafeInteger(seed) || seed < 0) throw new Error('--seed is a whole number');

const interrupted = new AbortController();
// For good: where nobody listens, whoever stops the servers ends this process at once.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

const form = values.short ? SHORT : FULL;
const startedAtMs = performance.now();
const say = (line: string) =>
  console.error(`${String(Math.round((performance.now() - startedAtMs) / 1_000)).padStart(4)} s  ${line}`);
const few = values.only.length > 0 ? { only: values.only, jobs: 1 } : {};
const report = await runSuite({ ...form, ...few, seed, say, logsFolder: values.logs, interrupted: interrupted.signal });
for (const line of values.json ? [JSON.stringify(report)] : linesOf(report)) console.log(line);
process.exit(report.ok ? 0 : 1);
