/** The TypeScript client against a real platform, and its README as it is written. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Client, createClient, type JobEvent } from '@runlane/client';
import { WebSocket } from 'ws';
import { openWay } from './breakable-way.js';
import { type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const README = fileURLToPath(new URL('../../../packages/client/README.md', import.meta.url));
/** Where `@runlane/client` can be imported from. */
const HERE = fileURLToPath(new URL('.', import.meta.url));

let folder: string;
let platform: Platform;
let client: Client;
before(async () => {
  folder = await temporaryFolder();
  platform = await startEmbedded(folder);
  client = createClient({ server: platform.baseUrl });
});
after(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

const textOf = (events: readonly JobEvent[], type: 'stdout' | 'stderr') =>
  events.flatMap((event) => (event.type === type ? [event.text] : [])).join('');

async function all(stream: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const told: JobEvent[] = [];
  for await (const event of stream) told.push(event);
  return told;
}

test('run tells of the job, its output as it appears, and its result', async () => {
  const code = 'import sys\nprint(input())\nprint("€", file=sys.stderr)\nsys.exit(3)';
  const told = await all(client.run({ code, stdin: 'typed\n' }));
  assert.equal(told[0]?.type, 'accepted');
  assert.deepEqual([textOf(told, 'stdout'), textOf(told, 'stderr')], ['typed\n', '€\n']);
  const last = told.at(-1);
  assert.ok(last?.type === 'result');
  assert.deepEqual([last.job.status, last.job.result?.exitCode], ['failed', 3]);
});

test('execute, get, wait and list tell of the same job, and its file can be read', async () => {
  const code = 'import os\nos.makedirs("out/a b")\nopen("out/a b/sum.txt", "w").write("42")';
  const job = await client.execute({ code });
  assert.equal(job.status, 'succeeded');
  assert.deepEqual(await client.get(job.id), job);
  assert.deepEqual(await client.wait(job.id), job);
  assert.ok((await client.list({ limit: 5, language: 'python' })).jobs.some(({ id }) => id === job.id));
  assert.equal(await (await client.file(job.id, 'a b/sum.txt')).text(), '42');
});

test('leaving a run cancels its job', async () => {
  let id = '';
  for await (const event of client.run({ code: 'print(1, flush=True)\nwhile True: pass' })) {
    if (event.type === 'accepted') id = event.job.id;
    if (event.type === 'stdout') break;
  }
  assert.equal((await client.wait(id)).status, 'cancelled');
});

test('a watch over connections that are cut again and again loses nothing and repeats nothing', async () => {
  const way = await openWay(platform.baseUrl);
  try {
    let cuts = 0;
    const through = createClient({
      server: way.url,
      onRetry: () => {
        cuts += 1;
      },
    });
    const code = 'import time\nfor n in range(40):\n  print(n, flush=True)\n  time.sleep(0.05)';
    let lines = '';
    for await (const event of through.run({ code })) {
      if (event.type !== 'stdout') continue;
      lines += event.text;
      if (event.text.includes('5')) way.cut();
    }
    assert.equal(lines, Array.from({ length: 40 }, (_, n) => `${n}\n`).join(''));
    assert.ok(cuts > 0);
  } finally {
    await way.close();
  }
});

test('an attachment types, closes the input, and tells to the result', async () => {
  const code =
    'import sys\nprint("name?", flush=True)\nprint("hello", input(), flush=True)\nprint(len(sys.stdin.read()))';
  const { id } = await client.submit({ code, interactive: {} });
  const attachment = await client.attach(id, { WebSocket });
  let text = '';
  let status = '';
  for await (const event of attachment) {
    if (event.type === 'stdout') {
      text += event.text;
      if (text === 'name?\n') attachment.write('Ada\n');
      if (text.endsWith('Ada\n')) {
        attachment.write(new Uint8Array(5));
        attachment.closeStdin();
      }
    }
    if (event.type === 'result') status = event.job.status;
  }
  assert.deepEqual([text, status], ['name?\nhello Ada\n5\n', 'succeeded']);
});

test('a batch is told job by job', async () => {
  const { id } = await client.submitBatch({ jobs: [{ code: 'print(1)' }, { code: '1 / 0' }] });
  const told = new Map<number, string>();
  for await (const event of client.watchBatch(id)) {
    if (event.type === 'job') told.set(event.index, event.status);
    if (event.type === 'done') assert.deepEqual(event.batch, await client.batch(id));
  }
  assert.deepEqual([told.get(0), told.get(1)], ['succeeded', 'failed']);
});

test('the README does what it says', async () => {
  const text = await readFile(README, 'utf8');
  const shown = [...text.matchAll(/```ts\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)];
  assert.equal(shown.length, text.split('```ts').length - 1);
  const program = shown
    .map(([, code]) => code)
    .join('\n')
    .replace('http://localhost:3000', platform.baseUrl);
  const argv = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: HERE });
  assert.equal(stdout, shown.map(([, , output]) => output).join(''));
});
