/**
 * A Python program means the same in a fork of the jail's interpreter as with `python3 main.py`: each program of
 * `services/runners/python/corpus/` is run both ways, and all that a client is told must be equal.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DEFAULT_LIMITS } from '../../limits.js';
import { collect, pythonOf } from '../sandbox.fixture.js';
import type { Sandbox } from '../sandbox.js';
import { createJail } from './driver.js';
import { launchJail } from './launch.js';

const languagesDir = fileURLToPath(new URL('../../../../', import.meta.url));
const corpus = join(languagesDir, 'python', 'corpus');
const { env: languageEnv } = JSON.parse(readFileSync(join(languagesDir, 'python', 'runner.json'), 'utf8'));
/** Programs that are known to end otherwise. */
const DIFFERENCES = 'differences.txt';
/** Each takes a sandbox, and two of them fill two processors. */
const AT_ONCE = 4;

interface Program {
  /** What is tried. */
  readonly name: string;
  readonly code: string;
  /** Whether two runs must give different output, instead of both ways the same. */
  readonly differs: boolean;
  readonly stdin: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly entry: string;
  /** More files, or in the place of main.py one that the corpus cannot hold: text is latin-1 where it is `bytes`. */
  readonly files: Readonly<Record<string, string>>;
  readonly bytes: Readonly<Record<string, string>>;
}

const PLAIN = { differs: false, stdin: '', args: [], env: {}, entry: 'main.py', files: {}, bytes: {} };

/** What a client is told of a run. */
interface Seen {
  readonly stdout: string;
  readonly stderr: string;
  readonly reason: string;
  readonly code: number | null;
  readonly signal: string | null;
}

let sandbox: Sandbox;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-corpus-test-'));
  const socketPath = join(folder, 'jail.sock');
  const peerUid = process.getuid?.() ?? 0;
  const launched = await launchJail({ socketPath, slots: 2 * AT_ONCE, languagesDir, peerUid, allowWeak: false });
  sandbox = await createJail({ socketPath, lost: launched.lost, stop: launched.stop });
});

after(async () => {
  await sandbox?.close();
  await rm(folder, { recursive: true });
});

const themes = readdirSync(corpus).filter((file) => file !== DIFFERENCES);
for (const file of themes.sort()) {
  describe(`${file.replace('.txt', '')}: forked as started`, { concurrency: AT_ONCE }, () => {
    for (const program of readPrograms(file)) {
      test(program.name, async () => {
        const seen = await forked(program);
        assert.equal(seen.reason, 'exited', 'it stays within its limits');
        if (program.differs) assert.notDeepEqual(await forked(program), seen);
        else assert.deepEqual(seen, await started(program));
      });
    }
  });
}

describe('what docs/python.md lists is seen, as any other difference would be', { concurrency: AT_ONCE }, () => {
  for (const program of readPrograms(DIFFERENCES)) {
    test(program.name, async () => assert.notDeepEqual(await forked(program), await started(program)));
  }
});

function forked(program: Program): Promise<Seen> {
  return run(program, []);
}

/** By way of env, the jail starts an interpreter of the same name. */
function started(program: Program): Promise<Seen> {
  return run(program, ['/usr/bin/env']);
}

async function run({ code, stdin, args, env, entry, files, bytes }: Program, words: string[]): Promise<Seen> {
  const { environment } = sandbox.description;
  const contents = { 'main.py': Buffer.from(code), ...encoded(files, 'utf8'), ...encoded(bytes, 'latin1') };
  const opened = await sandbox.open({
    language: 'python',
    argv: [...words, pythonOf(sandbox), entry, ...args],
    env: { ...environment, ...languageEnv, ...env },
    files: Object.entries(contents).map(([path, content]) => ({ path, content, executable: false })),
    collect: 'out',
    limits: DEFAULT_LIMITS,
  });
  opened.go();
  if (stdin) void opened.writeStdin(Buffer.from(stdin));
  opened.closeStdin();
  const { stdout, stderr, end } = await collect(opened);
  const { reason, code: exitCode, signal } = end;
  return { stdout: readable(stdout), stderr: readable(stderr), reason, code: exitCode, signal };
}

function readable(output: Buffer): string {
  // Byte by byte: as UTF-8, all that is wrong would look the same. No two starts have the same addresses.
  return output.toString('latin1').replace(/0x[0-9a-f]{6,}/g, '0x…');
}

function encoded(files: Readonly<Record<string, string>>, encoding: BufferEncoding): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, Buffer.from(text, encoding)]));
}

/** A program begins with a line `#: what is tried`; then may come `#: differs` and others as `#: stdin = "…"`, in JSON. */
function readPrograms(file: string): Program[] {
  return readFileSync(join(corpus, file), 'utf8')
    .split(/^(?=#: (?!differs$|\w+ = ))/m)
    .filter((part) => part.startsWith('#: '))
    .map((part) => {
      const [, name = '', directives = '', code = ''] = /^#: ([^\n]*)\n((?:#: [^\n]*\n)*)(.*)$/s.exec(part) ?? [];
      const given = [...directives.matchAll(/^#: (\w+)(?: = (.*))?$/gm)];
      const values = given.map(([, key, value = 'true']) => [key, JSON.parse(value)]);
      return { ...PLAIN, name, code, ...Object.fromEntries(values) };
    });
}
