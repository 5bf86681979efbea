/**
 * Each language end to end, its compiled ones from the cache, in turns with its bare tool on this machine; and what the first
 * run of a source costs against the second, where programs are compiled.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from '../scripts/setup.mjs';
import { asker } from './client.mjs';
import { GREETING, inTurns, percentiles, rateOf, timed, WARM_UP_JOBS } from './measure.mjs';
import { startPlatform } from './platform.mjs';
import { describeJail } from './sandboxes.mjs';

const run = promisify(execFile);
const LANGUAGES_DIR = `${root}/services/runners`;
/** What a person would type, where the manifest's words need what a setup made. */
const TYPED = {
  go: { compile: ['{go}', 'build', '-o', '{out}/program', '{entry}'], run: ['{out}/program'] },
  java: { compile: ['{javac}', '-d', '{out}', '{entry}'], run: ['{java}', '-cp', '{out}', '{stem}'] },
  typescript: {
    compile: ['{node}', '{tsc}', '--outDir', '{out}', '{entry}'],
    run: ['{node}', '{out}/{stem}.js'],
  },
};
/** Where the first run is measured against the second: their comments begin with two slashes. */
const FIRST_RUNS = ['c', 'cpp', 'rust', 'go'];
const SETUP_MINUTES = 5;
const WARM_UP_ROUNDS = 5;

/** What is to hold of each language. */
const MORE_THAN_BARE = { times: 1.25, ms: 5 };
const SECOND_RUN = 0.1;
/** Languages with a target of their own. */
const RATIOS = { java: 1, javascript: 0.5 };
/** Before each turn of a language with a prelude, in milliseconds: it is for those who come now and then. */
const PRELUDE_PAUSE_MS = 250;

/**
 * @param rounds how often each language and its bare tool take turns. @param firsts how many sources never seen are run.
 * @param only names of languages; all when there are none.
 */
export async function measureLanguages({ folder, rounds, firsts, only, say }) {
  const { toolchains, environment } = await describeJail();
  const platform = await startPlatform(join(folder, 'languages'));
  const { get, post, close } = asker('127.0.0.1', platform.httpPort);
  const results = { languages: [], firstRuns: [], left: [] };

  async function submit(language, code, version = '') {
    const job = await post('/v1/jobs', JSON.stringify({ language, version, code }), { Prefer: 'wait=60' });
    if (job.result?.stdout !== GREETING) throw new Error(`${language}: a job ended wrong: ${JSON.stringify(job)}`);
  }

  async function measure(manifest) {
    const { name } = manifest;
    const code = await helloIn(name);
    const tools = toolchains[name][0];
    const version = await versionOf(manifest, tools);
    const bare = await prepareBare(manifest, tools, { code, folder: join(folder, `bare-${name}`), environment });
    const work = () => submit(name, code, version);
    await inTurns(WARM_UP_ROUNDS, { bare, work });
    const measured = { name, version };
    if (manifest.warm === 'prelude') Object.assign(measured, { inARow: await inTurns(rounds, { bare, work }) });
    const pauseMs = manifest.warm === 'prelude' ? PRELUDE_PAUSE_MS : 0;
    const { bare: bareTimes, p50Ms, ratio } = await inTurns(rounds, { bare, work, pauseMs });
    const bareP50Ms = bareTimes.p50Ms;
    return { ...measured, bareP50Ms, p50Ms, differenceMs: p50Ms - bareP50Ms, ratio };
  }

  async function measureFirstRuns(name) {
    const code = await helloIn(name);
    const times = { first: [], second: [] };
    for (let i = 0; i < firsts; i += 1) {
      const work = () => submit(name, `${code}\n// ${i}\n`);
      times.first.push(await timed(work));
      times.second.push(await timed(work));
    }
    const [firstMs, secondMs] = [times.first, times.second].map((some) => percentiles(some).p50Ms);
    return { name, firstMs, secondMs, ratio: secondMs / firstMs };
  }

  try {
    say('waiting until toolchains are set up …');
    const offered = await settled(get);
    const available = new Set(offered.filter((language) => language.available).map(({ name }) => name));
    const simple = offered.find((language) => language.available && !language.compiled);
    if (simple) {
      say('warming up …');
      const code = await helloIn(simple.name);
      await rateOf(WARM_UP_JOBS, 8, () => submit(simple.name, code));
    }
    const isWanted = (name) => only.length === 0 || only.includes(name);
    for (const manifest of (await readManifests()).filter(({ name }) => isWanted(name))) {
      const { name } = manifest;
      const { unavailableReason = 'not offered' } = offered.find((language) => language.name === name) ?? {};
      if (!available.has(name)) results.left.push({ name, reason: unavailableReason });
      else if (!toolchains[name]?.[0]) results.left.push({ name, reason: 'no bare tool of it here' });
      else {
        say(`${name}, in turns with its bare tool …`);
        results.languages.push(await measure(manifest));
      }
    }
    for (const name of FIRST_RUNS.filter((language) => available.has(language) && isWanted(language))) {
      say(`${name}: sources never seen …`);
      results.firstRuns.push(await measureFirstRuns(name));
    }
    return results;
  } finally {
    close();
    await platform.stop();
  }
}

/** The languages that the platform offers, when none of them is being set up any more. */
async function settled(get) {
  const untilMs = performance.now() + SETUP_MINUTES * 60_000;
  for (; performance.now() < untilMs; await sleep(500)) {
    const { languages } = await get('/v1/languages');
    const isBusy = languages.some(({ unavailableReason }) => unavailableReason?.includes('being set up'));
    if (languages.length > 0 && !isBusy) return languages;
  }
  throw new Error(`a language was still being set up after ${SETUP_MINUTES} minutes`);
}

async function readManifests() {
  const folders = (await readdir(LANGUAGES_DIR)).sort();
  const read = (folder) => readFile(join(LANGUAGES_DIR, folder, 'runner.json'), 'utf8').catch(() => undefined);
  const texts = await Promise.all(folders.map(read));
  return texts.filter((text) => text !== undefined).map((text) => JSON.parse(text));
}

async function helloIn(name) {
  const programs = join(LANGUAGES_DIR, name, 'programs');
  const file = (await readdir(programs)).find((path) => path.startsWith('hello.'));
  return await readFile(join(programs, file), 'utf8');
}

/** As the bare tool says it, so that both sides run the same one. */
async function versionOf({ version: { argv, pattern } }, tools) {
  const { stdout, stderr } = await start(fill(argv, tools));
  return new RegExp(pattern).exec(stdout + stderr)?.[1];
}

const start = ([program, ...args], options) => run(program, args, options);

/** The program beside its bare tool, compiled already where it is compiled; a function that runs it once. */
async function prepareBare(manifest, tools, { code, folder, environment }) {
  const { entry } = manifest;
  await mkdir(folder);
  await writeFile(join(folder, entry), code);
  const { compile, run: runs } = TYPED[manifest.name] ?? { compile: manifest.compile?.argv, run: manifest.run.argv };
  if (JSON.stringify([compile, runs]).includes('{setup}'))
    throw new Error(`${manifest.name} needs its setup, and nothing says how people type it`);
  const texts = { ...tools, entry, stem: entry.slice(0, -extname(entry).length), out: folder };
  if (compile) await start(fill(compile, texts), { cwd: folder });
  const words = fill(runs, texts);
  // Not with the environment of whoever measures: a NODE_EXTRA_CA_CERTS alone makes a bare Node three times as slow.
  const env = { ...environment, HOME: folder };
  return async () => {
    const { stdout } = await start(words, { cwd: folder, env });
    if (stdout !== GREETING) throw new Error(`${words.join(' ')}: ${stdout}`);
  };
}

/** A command of a manifest for a program that is one file and has no arguments. */
function fill(argv, texts) {
  const lists = { '{args}': [], '{sources}': [texts.entry] };
  return argv.flatMap((word) => lists[word] ?? [word.replace(/\{([a-z0-9+-]+)\}/g, (all, name) => texts[name] ?? all)]);
}

export function printLanguages({ languages, firstRuns, left }) {
  const ms = (value) => `${value.toFixed(1)} ms`.padStart(10);
  const times = (value) => `${value.toFixed(2)} ×`.padStart(10);
  const name = (language) => language.padEnd(12);
  const head = (title, ...cells) =>
    console.log(`\n${title.padEnd(24)}${cells.map((cell) => cell.padStart(10)).join(' ')}`);
  head('hello, world: medians', 'bare', 'Runlane', 'difference', 'ratio');
  for (const each of languages) {
    const { bareP50Ms, p50Ms, differenceMs, ratio } = each;
    const numbers = `${ms(bareP50Ms)} ${ms(p50Ms)} ${ms(differenceMs)} ${times(ratio)}`;
    const inARow = each.inARow
      ? `; without a pause of ${PRELUDE_PAUSE_MS} ms between: ${times(each.inARow.ratio).trim()}`
      : '';
    console.log(`${name(each.name)} ${each.version.padEnd(10)} ${numbers}   (${verdict(each)}${inARow})`);
  }
  if (firstRuns.length > 0) head('sources never seen', 'first run', 'second', 'ratio');
  for (const { name: language, firstMs, secondMs, ratio } of firstRuns) {
    const target = `(at most ${SECOND_RUN}: ${ratio <= SECOND_RUN ? 'met' : 'MISSED'})`;
    console.log(`${name(language)} ${' '.repeat(10)} ${ms(firstMs)} ${ms(secondMs)} ${times(ratio)}   ${target}`);
  }
  if (left.length > 0) console.log('\nnot measured');
  for (const { name: language, reason } of left) console.log(`${name(language)} ${reason}`);
}

function verdict({ name, bareP50Ms, p50Ms, ratio }) {
  const most = RATIOS[name];
  if (most) return `at most ${most} × bare: ${ratio <= most ? 'met' : 'MISSED'}`;
  const { times, ms } = MORE_THAN_BARE;
  return `at most ${times} × bare + ${ms} ms: ${p50Ms <= times * bareP50Ms + ms ? 'met' : 'MISSED'}`;
}
