/** Manifests as somebody wrote them: what is wrong with one is said, and is no harm to another. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifests } from './manifest.js';

const SOUND = {
  title: 'A',
  entry: 'main',
  tools: { tool: ['/usr/bin/tool'] },
  version: { argv: ['{tool}'], pattern: '(.)' },
  run: { argv: ['{tool}', '{entry}'] },
};

const OURS = fileURLToPath(new URL('../../', import.meta.url));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-manifest-test-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A folder with these languages: text as it is, fields beside those of a sound manifest. */
async function read(languages: Record<string, string | object>, only: string[] = []) {
  const languagesDir = await mkdtemp(join(folder, 'languages-'));
  for (const [name, content] of Object.entries(languages)) {
    await mkdir(join(languagesDir, name));
    const text = typeof content === 'string' ? content : JSON.stringify({ name, ...SOUND, ...content });
    await writeFile(join(languagesDir, name, 'runner.json'), text);
  }
  const { usable, broken } = await readManifests(languagesDir, only);
  return {
    usable: usable.map(({ name }) => name),
    reasons: Object.fromEntries(broken.map(({ name, reason }) => [name, reason])),
  };
}

test('a sound manifest is usable, also in a folder that is linked, and a folder without one is no language', async () => {
  const languagesDir = await mkdtemp(join(folder, 'languages-'));
  const elsewhere = await mkdtemp(join(folder, 'elsewhere-'));
  await writeFile(join(elsewhere, 'runner.json'), JSON.stringify({ name: 'linked', ...SOUND }));
  await symlink(elsewhere, join(languagesDir, 'linked'));
  await mkdir(join(languagesDir, 'host'));
  await writeFile(join(languagesDir, 'README.md'), '');
  const { usable, broken } = await readManifests(languagesDir, []);
  assert.deepEqual([usable.map(({ name }) => name), broken], [['linked'], []]);
});

const WRONG: Record<string, [string | object, RegExp]> = {
  'text that is no JSON': ['{"name": "bad",}', /^bad\/runner\.json: .*JSON/],
  'a field that is missing': ['{"name": "bad"}', /title: .*tools: .*run: /],
  'a field that nobody knows': [{ tool: {} }, /must not have "tool"/],
  'a pattern that is none': [
    { version: { argv: ['{tool}'], pattern: '(' } },
    /version\.pattern: Invalid regular expression/,
  ],
  'a pattern without a group': [{ version: { argv: ['{tool}'], pattern: '.+' } }, /version\.pattern: has no group/],
  'a name that is not the folder': [{ name: 'other' }, /name: "other" must be the name of its folder, "bad"/],
  'a placeholder that nobody knows': [
    { run: { argv: ['{tol}', '{entry}'] } },
    /run\.argv: \{tol\} is neither a tool nor anything else: there are \{tool\}, \{entry\}/,
  ],
  'arguments within a word': [
    { run: { argv: ['{tool}', '--args={args}'] } },
    /run\.argv: \{args\} must be a word of its own/,
  ],
  'sources within a word': [
    { compile: { argv: ['{tool}', 'x{sources}'] } },
    /compile\.argv: \{sources\} must be a word of its own/,
  ],
  'arguments while compiling': [
    { compile: { argv: ['{tool}', '{args}'] } },
    /compile\.argv: \{args\} has no meaning here/,
  ],
  'a program that nothing compiles': [
    { run: { argv: ['{out}/program'] } },
    /run\.argv: \{out\} is what "compile" makes/,
  ],
  'a setup that is not there': [{ run: { argv: ['{tool}', '{setup}'] } }, /run\.argv: \{setup\} is what "setup" makes/],
  'a setup that is not there, in env': [{ env: { A: '{setup}' } }, /env: \{setup\} is what "setup" makes/],
  'a tool called as something else': [
    { tools: { tool: ['/a'], out: ['/b'] } },
    /tools\.out: \{out\} means something else/,
  ],
  'a first tool beside itself': [
    { tools: { tool: ['{bin}/a'] } },
    /tools\.tool: \{bin\} is the folder of this very tool/,
  ],
  'an alias in capitals': [{ aliases: ['JS'] }, /aliases\.0: /],
};
for (const [what, [content, reason]] of Object.entries(WRONG)) {
  test(`${what}: said with file and field, and the others are usable`, async () => {
    const { usable, reasons } = await read({ bad: content, good: {} });
    assert.deepEqual([usable, Object.keys(reasons)], [['good'], ['bad']]);
    assert.match(reasons.bad ?? '', reason);
    assert.match(reasons.bad ?? '', /^bad\/runner\.json: [^\n]+$/);
  });
}

test('an alias that is the name of another language is refused, and the other keeps its jobs', async () => {
  const { usable, reasons } = await read({ mine: { aliases: ['theirs'] }, theirs: {} });
  assert.deepEqual(usable, ['theirs']);
  assert.match(reasons.mine ?? '', /^mine\/runner\.json: aliases: "theirs" is the name of .* theirs\/runner\.json/);
});

test('the name of a language that is broken is taken all the same', async () => {
  const { usable, reasons } = await read({ mine: { aliases: ['theirs'] }, theirs: '{' });
  assert.deepEqual([usable, Object.keys(reasons).sort()], [[], ['mine', 'theirs']]);
});

test('an alias of two languages is refused to both, for nobody can tell which is meant', async () => {
  const { usable, reasons } = await read({ one: { aliases: ['x'] }, third: {}, two: { aliases: ['x'] } });
  assert.deepEqual(usable, ['third']);
  assert.match(reasons.one ?? '', /^one\/runner\.json: aliases: "x" is in two\/runner\.json too/);
  assert.match(reasons.two ?? '', /^two\/runner\.json: aliases: "x" is in one\/runner\.json too/);
});

test('one language is a zygote, and a second is refused', async () => {
  const { usable, reasons } = await read({ one: { warm: 'zygote' }, two: { warm: 'zygote' } });
  assert.deepEqual(usable, ['one']);
  assert.match(reasons.two ?? '', /one language can be a zygote, and that is the one in one\/runner\.json/);
});

test('what is not to be offered is not looked at', async () => {
  assert.deepEqual(await read({ bad: '{', good: { aliases: ['bad'] } }, ['good']), { usable: ['good'], reasons: {} });
});

test('the manifests that docs/add-a-language.md shows are sound, beside those of this checkout', async () => {
  const page = await readFile(new URL('../../../../docs/add-a-language.md', import.meta.url), 'utf8');
  const texts = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => text);
  const shown = Object.fromEntries(texts.map((text) => [JSON.parse(text).name, text]));
  const { usable } = await readManifests(OURS, []);
  const all = Object.fromEntries(usable.map((manifest) => [manifest.name, manifest]));
  assert.deepEqual(Object.keys(shown), ['tcl', 'fortran']);
  assert.deepEqual((await read({ ...all, ...shown })).reasons, {});
});

test('the manifests of this checkout are sound', async () => {
  const { usable, broken } = await readManifests(OURS, []);
  assert.deepEqual(broken, []);
  assert.ok(usable.length > 10);
});

test('a language that is named and not there is refused, with those that are', async () => {
  await assert.rejects(
    read({ here: {}, there: '{', 'not-asked-for': '{' }, ['there', 'cobol', 'here', 'fortran']),
    /^Error: LANGUAGES names what is no language here: cobol, fortran; there are here, not-asked-for, there$/,
  );
});
