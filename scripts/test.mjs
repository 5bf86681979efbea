/**
 * `npm test`: everything, against real servers. Installs or builds what they need where it may, says what it cannot have
 * and what is left out therefore; with CI=true nothing is left out. The last line is `N passed, N failed`.
 *
 *   npm test                     all
 *   npm test -- packages/core    only test files whose path contains one of these words
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { buildWhatIsStale, root } from './setup.mjs';

const CI = process.env.CI === 'true';
/** Longest that one test file may take, in milliseconds. */
const FILE_TIMEOUT_MS = 20 * 60_000;
/** Files with a server or a sandbox of their own each: two at a time fill two processors. */
const CONCURRENCY = 2;

const closed = process.getuid?.() === 0 ? closedToOthers() : undefined;
if (closed) {
  console.error(
    `As root, parts of the tests run as ordinary users, as parts of the platform do, and those cannot get into ${closed}. ` +
      `Open it (chmod a+x ${closed}), clone into another folder, or run the tests as an ordinary user.`,
  );
  process.exit(1);
}
await buildWhatIsStale({ say: console.log });
const words = process.argv.slice(2);
// What takes long, and is left out unless it is asked for by name.
process.env.RUNLANE_TESTS_NAMED = words.join(' ');
const { prepareServers } = await import('../packages/core/dist/testing/index.js');
const servers = await prepareServers({ log: console.log });
const missing = Object.values(servers).flatMap((found) => (found.missing ? [found.missing] : []));
for (const reason of missing)
  console.log(`NOT AVAILABLE: ${reason}. Tests that need it are ${CI ? 'failures' : 'skipped'}.`);

const files = ['packages', 'services', 'tests']
  .flatMap((folder) => testFilesBelow(folder))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
// The longest first, so that no processor is idle at the end.
files.sort((a, b) => weightOf(b) - weightOf(a));
// What cannot run beside anything else: it measures time, kills by name, or needs every processor itself.
const alone = files.filter((file) => /\/(?:system|attacks|machines|load|compose|chaos)\//.test(file));
const together = files.filter((file) => !alone.includes(file));

const counts = { passed: 0, failed: 0, skipped: 0 };
await runFiles(together, CONCURRENCY);
await runFiles(alone, 1);

if (CI && counts.skipped > 0) {
  console.log(`${counts.skipped} tests were skipped: in CI that is a failure`);
  counts.failed += counts.skipped;
}
console.log(
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 && !CI ? `, ${counts.skipped} skipped` : ''}`,
);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

function runFiles(some, concurrency) {
  if (some.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const stream = run({ files: some.map((file) => `${root}/${file}`), concurrency, timeout: FILE_TIMEOUT_MS });
    stream.on('test:pass', ({ skip, details, name }) => {
      if (details.type === 'suite' || isFile(name)) return;
      counts[skip !== undefined && skip !== false ? 'skipped' : 'passed'] += 1;
    });
    stream.on('test:fail', ({ details, name }) => {
      // A suite or file fails for its tests, which were counted; by itself it counts when it could not run them.
      if ((details.type === 'suite' || isFile(name)) && details.error?.failureType === 'subtestsFailed') return;
      counts.failed += 1;
    });
    stream.compose(new spec()).pipe(process.stdout, { end: false });
    stream.on('end', resolve);
  });
}

/** The first folder on the way here that not everybody may pass, its own group included, if there is one. */
function closedToOthers() {
  const way = [root];
  while (way[0] !== dirname(way[0])) way.unshift(dirname(way[0]));
  return way.find((folder) => (statSync(folder).mode & 0o011) !== 0o011);
}

function isFile(name) {
  return name.endsWith('.test.js') || name.endsWith('.test.mjs');
}

function testFilesBelow(folder) {
  return readdirSync(`${root}/${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'src', 'gen'].includes(entry.name) ? [] : testFilesBelow(path);
    return isFile(entry.name) ? [path] : [];
  });
}

function weightOf(file) {
  return file.includes('/sandbox/') ? 2 : file.includes('packages/core') ? 1 : 0;
}
