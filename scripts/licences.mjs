/**
 * `npm run licences`: the licence of every package that is installed, counted; fails where one is not on the list, or none is told.
 * `npm run --silent sbom` writes the bill of materials (CycloneDX).
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What may be linked to and passed on with notice alone. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'MPL-2.0',
  'Python-2.0',
  'Unlicense',
]);

/** Of a package whose manifest says it in a form of its own. */
function licenceOf({ license, licenses }) {
  if (typeof license === 'string') return license;
  return license?.type ?? licenses?.map(({ type }) => type).join(' OR ') ?? 'none told';
}

/** "A OR B" leaves the choice, "A AND B" does not. */
const isAllowed = (licence) =>
  licence
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => ALLOWED.has(each.trim())));

const { packages } = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8'));
const installed = Object.entries(packages).filter(
  ([path, { link }]) => path.includes('node_modules/') && !link && existsSync(`${root}/${path}/package.json`),
);
const counts = new Map();
const refused = [];
for (const [path] of installed) {
  const manifest = JSON.parse(readFileSync(`${root}/${path}/package.json`, 'utf8'));
  const licence = licenceOf(manifest);
  counts.set(licence, (counts.get(licence) ?? 0) + 1);
  if (!isAllowed(licence)) refused.push(`${manifest.name} ${manifest.version}: ${licence}`);
}
for (const [licence, count] of [...counts].toSorted(([, a], [, b]) => b - a)) console.log(`${count}\t${licence}`);
if (installed.length === 0 || refused.length > 0) {
  console.error(
    `not on the list of licences (scripts/licences.mjs):\n  ${refused.join('\n  ') || 'nothing is installed'}`,
  );
  process.exit(1);
}
