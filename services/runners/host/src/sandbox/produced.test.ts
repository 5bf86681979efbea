/** jail/produced.py by itself: what the monitor of a jail and process 1 of a container find of what a program left. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const JAIL = fileURLToPath(new URL('../../jail/', import.meta.url));
const FILES = 1000;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-produced-test-'));
  await mkdir(join(folder, 'out/below'), { recursive: true });
  for (let n = 0; n < FILES; n += 1) await writeFile(join(folder, 'out', n % 2 ? 'below' : '', `${n}`), `${n}`);
  await symlink('/etc/passwd', join(folder, 'out/link'));
});
after(() => rm(folder, { recursive: true }));

/** What a few lines of Python print, with `find(most_files, may_go_on)` and `read(paths, most_files)` at hand. */
function python(lines: string): unknown {
  const code = `
import json, os, sys
sys.path.insert(0, ${JSON.stringify(JAIL)})
import produced
parent = os.open(${JSON.stringify(folder)}, os.O_PATH)
def find(most_files, may_go_on): return produced.find_produced(parent, "out", most_files, may_go_on)
def read(paths, most_files): return list(produced.read_produced(parent, "out", paths, most_files, 1 << 20))
${lines}`;
  const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-I', '-B', '-c', code], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

test('the first paths in their order are remembered, and all others counted', () => {
  const names = Array.from({ length: FILES }, (_, n) => (n % 2 ? `below/${n}` : `${n}`)).sort();
  const [paths, others] = python(`
paths, others = find(5, lambda: True)
print(json.dumps([[path.decode() for path in paths], others]))`) as [string[], number];
  assert.deepEqual(paths, names.slice(0, 20));
  assert.equal(others, FILES - 20 + 1, 'the link too');
});

test('told to stop, it stops, and what it has not seen counts as one', () => {
  const [seen, asked] = python(`
asked = []
paths, others = find(${FILES}, lambda: asked.append(1) or len(asked) < 2)
print(json.dumps([len(paths) + others, len(asked)]))`) as [number, number];
  assert.equal(asked, 2);
  assert.ok(seen < FILES);
});

test('that nobody waits for it any more ends it', () => {
  const left = python(`
def gone(): raise ConnectionError("closed")
try: find(5, gone); print("false")
except ConnectionError: print("true")`);
  assert.equal(left, true);
});

test('past the limit of files nothing is opened any more', () => {
  const [paths, opened] = python(`
paths, _ = find(5, lambda: True)
opened = []
usual = os.open
def counting(path, *more, **where):
    opened.append(path)
    return usual(path, *more, **where)
os.open = counting
pieces = read([path for path in paths if b"/" not in path], 5)
print(json.dumps([[piece and piece[0] for piece in pieces], len(opened)]))`) as [(string | null)[], number];
  assert.deepEqual(paths, [...paths.slice(0, 5), ...Array(15).fill(null)]);
  assert.equal(opened, 2 * 5, 'the folder and the file, of five');
});
