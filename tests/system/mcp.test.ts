/** `runlane mcp` with the SDK's own client, over both transports, against a real platform. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type CallToolResult, JSONRPCMessageSchema, type Progress } from '@modelcontextprotocol/sdk/types.js';
import { type Client, createClient } from '@runlane/client';
import { ROOT } from './own-runner.js';
import { type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const RUNLANE = join(ROOT, 'packages/cli/bin/runlane.mjs');
/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9';
const TRANSPORTS = ['stdio', 'HTTP'] as const;
type TransportName = (typeof TRANSPORTS)[number];

let folder: string;
let platform: Platform;
let runlane: Client;
let http: { readonly url: string; readonly process: ChildProcess };
const clients = new Map<TransportName, McpClient>();

before(async () => {
  folder = await temporaryFolder();
  platform = await startEmbedded(join(folder, 'data'));
  runlane = createClient({ server: platform.baseUrl });
  http = await startHttp(platform.baseUrl);
  clients.set('stdio', await connect(stdioTo(platform.baseUrl)));
  clients.set('HTTP', await connect(new StreamableHTTPClientTransport(new URL(http.url))));
});
after(async () => {
  for (const client of clients.values()) await client.close();
  http?.process.kill();
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

const argv = (server: string, ...more: string[]) => [RUNLANE, 'mcp', '--server', server, ...more];
/** What is said of a server that is away is of no use in the log of the tests. */
const stderrOf = (server: string) => (server === NOWHERE ? 'ignore' : 'inherit');
const stdioTo = (server: string) =>
  new StdioClientTransport({ command: process.execPath, args: argv(server), stderr: stderrOf(server) });

async function startHttp(server: string) {
  const stdio = ['ignore', 'pipe', stderrOf(server)] as const;
  const child = spawn(process.execPath, argv(server, '--http', '0'), { stdio: [...stdio] });
  assert.ok(child.stdout);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { url: String(line), process: child };
}

async function connect(transport: StdioClientTransport | StreamableHTTPClientTransport): Promise<McpClient> {
  const client = new McpClient({ name: 'test', version: '1' });
  // The SDK's types are not made for exactOptionalPropertyTypes.
  await client.connect(transport as Transport);
  // The client checks structured content against schemas that it was told.
  await client.listTools();
  return client;
}

function over(name: TransportName): McpClient {
  const client = clients.get(name);
  assert.ok(client);
  return client;
}

async function runCode(client: McpClient, args: object, options?: RequestOptions): Promise<CallToolResult> {
  return (await client.callTool({ name: 'run_code', arguments: { ...args } }, undefined, options)) as CallToolResult;
}

const python = (code: string, more: object = {}) => ({ language: 'python', code, ...more });
const LOOP = python('print("begun", flush=True)\nwhile True: pass', { limits: { wallTimeMs: 50_000 } });

function textOf({ content }: CallToolResult): string {
  const [first] = content;
  assert.equal(first?.type, 'text');
  return first.text;
}

const structured = ({ structuredContent }: CallToolResult) => structuredContent as Record<string, unknown>;

/** What became of the job that was submitted last. */
async function lastJob(): Promise<string> {
  const [job] = (await runlane.list({ limit: 1 })).jobs;
  assert.ok(job);
  return (await runlane.wait(job.id)).status;
}

for (const name of TRANSPORTS) {
  test(`over ${name}, a model is told of the tools, the languages that there are, and the rules`, async () => {
    const client = over(name);
    const { tools } = await client.listTools();
    const [run, list] = tools;
    assert.deepEqual([tools.length, run?.name, list?.name], [2, 'run_code', 'list_languages']);
    assert.match(run?.description ?? '', /Languages right now: .*python 3\.\d+[\s\S]*new sandbox[\s\S]*no network/);
    assert.match(client.getInstructions() ?? '', /python 3\.\d+/);
    assert.deepEqual(run?.annotations, {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: false,
      openWorldHint: false,
    });
    assert.deepEqual(list?.annotations, { readOnlyHint: true, openWorldHint: false });
    assert.ok(run?.outputSchema && list?.outputSchema);
    const listed = (await client.callTool({ name: 'list_languages' })) as CallToolResult;
    assert.match(textOf(listed), /^- python \(also python3, py\): 3\..+; starts main\.py$/m);
    assert.ok((structured(listed).languages as { name: string }[]).some((language) => language.name === 'python'));
  });

  test(`over ${name}, a program runs, with input and arguments`, async () => {
    const code = 'import sys\nprint(sys.argv[1], input())';
    const answer = await runCode(over(name), python(code, { stdin: 'typed\n', args: ['given'] }));
    assert.equal(answer.isError, undefined);
    assert.match(
      textOf(answer),
      /^The program succeeded with exit code 0\. .+\n<stdout>\ngiven typed\n<\/stdout>\nJob /,
    );
    const { status, exitCode, stdout, stderr, files, notes } = structured(answer);
    assert.deepEqual([status, exitCode, stdout, stderr, files, notes], ['succeeded', 0, 'given typed\n', '', [], []]);
  });

  test(`over ${name}, a program that fails is a report, not an error of the tool`, async () => {
    const answer = await runCode(over(name), python('1 / 0'));
    assert.equal(answer.isError, undefined);
    assert.match(textOf(answer), /^The program failed with exit code 1\.[\s\S]+ZeroDivisionError: division by zero/);
    assert.equal(structured(answer).status, 'failed');
  });

  test(`over ${name}, a program has several files`, async () => {
    const files = [
      { path: 'main.py', content: 'import helper\nprint(helper.hello(), open("data.bin", "rb").read())' },
      { path: 'helper.py', content: 'def hello(): return "hello"' },
      { path: 'data.bin', content: 'AP8=', encoding: 'base64' },
    ];
    assert.match(textOf(await runCode(over(name), { language: 'python', files })), /hello b'\\x00\\xff'/);
  });

  test(`over ${name}, pictures and other files come back as what they are`, async () => {
    const answer = await runCode(over(name), python(DRAW));
    assert.match(textOf(answer), /^- dot\.png \(image\/png, \d+ bytes\): attached as image$/m);
    assert.match(textOf(answer), /^- large\.bin \(.+, 97\.7 KiB\): not attached$/m);
    const [, picture, table, ...others] = answer.content;
    assert.equal(others.length, 0);
    assert.ok(picture?.type === 'image' && table?.type === 'resource' && 'text' in table.resource);
    assert.equal(picture.mimeType, 'image/png');
    assert.match(Buffer.from(picture.data, 'base64').toString('latin1'), /^\x89PNG.+IEND/s);
    assert.equal(table.resource.text, 'a,b\n1,2\n');
    // Where a person gets it, too.
    assert.equal(await (await fetch(table.resource.uri)).text(), 'a,b\n1,2\n');
  });

  test(`over ${name}, what is refused names its fields and what there is instead`, async () => {
    const unknown = await runCode(over(name), { language: 'cobol', code: '' });
    assert.equal(unknown.isError, true);
    assert.match(textOf(unknown), /nothing was run:\n- language: "cobol" .+\nLanguages that can be run: .*python 3/);
    const wrong = await runCode(over(name), python('', { limits: { wallTimeMs: 3_600_000 }, colour: 'red' }));
    assert.equal(wrong.isError, true);
    assert.match(textOf(wrong), /- limits\.wallTimeMs: .+50000.*\n- the request: .+colour/);
    assert.match(
      textOf(await runCode(over(name), { language: 'python' })),
      /- code: is missing: give "code", or "files"/,
    );
  });

  test(`over ${name}, an endless program is stopped, and what it wrote is told`, async () => {
    const answer = await runCode(over(name), { ...LOOP, limits: { wallTimeMs: 500 } });
    assert.equal(answer.isError, undefined);
    assert.match(textOf(answer), /^The program took too long and was stopped \(.+\)\.[\s\S]+<stdout>\nbegun\n/);
    assert.equal(structured(answer).status, 'timed_out');
  });

  test(`over ${name}, of huge output the beginning and the end are told`, async () => {
    const answer = await runCode(over(name), python('for n in range(100_000): print(n)'));
    assert.match(
      textOf(answer),
      /<stdout>\n0\n1\n[\s\S]+\n\[… 5\d\d,\d+ characters are left out here …\]\n[\s\S]+\n99999\n/,
    );
    assert.ok(JSON.stringify(answer).length < 60_000);
  });

  test(`over ${name}, cancelling the call cancels the job, and progress is told until then`, async () => {
    const leaving = new AbortController();
    const told: Progress[] = [];
    const onprogress = (progress: Progress) => {
      told.push(progress);
      // As the program runs, and once more while it does.
      if (told.filter(({ message }) => message?.startsWith('running')).length === 2) leaving.abort('enough');
    };
    await assert.rejects(runCode(over(name), LOOP, { signal: leaving.signal, onprogress }), /enough/);
    assert.equal(await lastJob(), 'cancelled');
    for (const [index, { progress }] of told.entries()) assert.ok(progress > (told[index - 1]?.progress ?? 0));
    // The connection is as good as before.
    assert.match(textOf(await runCode(over(name), python('print(6 * 7)'))), /42/);
  });

  test(`over ${name}, a tool that there is not is an error of the protocol`, async () => {
    await assert.rejects(over(name).callTool({ name: 'juggle' }), /there is no tool "juggle"/);
  });
}

/** A PNG of one pixel, a table, and what is too large to be attached. */
const DRAW = `
import os, struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
pixels = zlib.compress(bytes([0, 255, 0, 0]))
os.makedirs("out", exist_ok=True)
with open("out/dot.png", "wb") as file:
    file.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
open("out/large.bin", "wb").write(bytes(100_000))
open("out/table.csv", "w").write("a,b\\n1,2\\n")
`;

test('without a Runlane server, the tools say how to start one, and go on', async () => {
  const away = await startHttp(NOWHERE);
  try {
    for (const transport of [stdioTo(NOWHERE), new StreamableHTTPClientTransport(new URL(away.url))]) {
      const client = await connect(transport);
      const { tools } = await client.listTools();
      assert.match(tools[0]?.description ?? '', /Languages: list_languages tells/);
      for (const call of [{ name: 'run_code', arguments: python('print(1)') }, { name: 'list_languages' }]) {
        const answer = (await client.callTool(call)) as CallToolResult;
        assert.equal(answer.isError, true);
        assert.match(
          textOf(answer),
          /^The Runlane server is away: no answer from .+`npm start`.+ call this tool again\.$/,
        );
      }
      await client.close();
    }
  } finally {
    away.process.kill();
  }
});

test('it is started as docs/mcp.md says', async () => {
  const [, shown = ''] = (await readFile(join(ROOT, 'docs/mcp.md'), 'utf8')).match(/```json\n([\s\S]+?)```/) ?? [];
  const { command, args } = JSON.parse(shown.replaceAll('/path/to/runlane', ROOT)).mcpServers.runlane;
  const env = { ...getDefaultEnvironment(), RUNLANE_URL: platform.baseUrl };
  const client = await connect(new StdioClientTransport({ command, args, env, cwd: folder }));
  assert.match(textOf(await runCode(client, python('print(6 * 7)'))), /42/);
  await client.close();
});

/** The protocol as it is written, a line a message. */
function startRaw(server: string) {
  const child = spawn(process.execPath, argv(server), { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const output: Interface = createInterface({ input: child.stdout });
  output.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'close'), text(child.stderr)]).then(([[code], stderr]) => ({ code, stderr }));
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const begin = () => {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    send({ id: 0, method: 'initialize', params });
    send({ method: 'notifications/initialized' });
  };
  async function until(matches: (message: { id?: unknown; method?: string; params?: Progress }) => boolean) {
    while (!lines.some((line) => matches(JSON.parse(line)))) await once(output, 'line');
  }
  return { child, lines, ended, send, begin, until };
}

test('over stdio, nothing but the protocol is on standard output', async () => {
  const { child, lines, ended, send, begin, until } = startRaw(NOWHERE);
  begin();
  child.stdin.write('this is no JSON\n');
  send({ id: 1, method: 'tools/call', params: { name: 'run_code', arguments: python('print(1)') } });
  await until(({ id }) => id === 1);
  child.stdin.end();
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  // There was something to say, and it was said elsewhere.
  assert.match(stderr, /^runlane: no answer from .+; trying again in/);
  for (const line of lines) JSONRPCMessageSchema.parse(JSON.parse(line));
});

test('over stdio, a client that goes away cancels what runs', async () => {
  const { child, ended, send, begin, until } = startRaw(platform.baseUrl);
  begin();
  const params = { name: 'run_code', arguments: LOOP, _meta: { progressToken: 'p' } };
  send({ id: 1, method: 'tools/call', params });
  await until(({ params }) => params?.message?.startsWith('running') ?? false);
  child.stdin.end();
  assert.equal((await ended).code, 0);
  assert.equal(await lastJob(), 'cancelled');
});

function post(headers: Record<string, string>, message: object, signal?: AbortSignal) {
  return fetch(http.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    ...(signal && { signal }),
  });
}

test('over HTTP, a client that hangs up cancels what runs', async () => {
  const leaving = new AbortController();
  const params = { name: 'run_code', arguments: LOOP, _meta: { progressToken: 'p' } };
  const { body } = await post({}, { id: 1, method: 'tools/call', params }, leaving.signal);
  assert.ok(body);
  await assert.rejects(async () => {
    let read = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      read += chunk;
      if (read.includes('running')) leaving.abort();
    }
  });
  assert.equal(await lastJob(), 'cancelled');
});

/** As a browser sends it: `fetch` sets these headers by itself. */
async function statusWith(headers: Record<string, string>): Promise<number | undefined> {
  const call = request(http.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
  });
  call.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }));
  const [response] = await once(call, 'response');
  response.resume();
  return response.statusCode;
}

test('over HTTP, pages of other sites and names that were made to resolve here are refused', async () => {
  const { host, port, origin } = new URL(http.url);
  assert.equal(await statusWith({}), 200);
  assert.equal(await statusWith({ Host: `localhost:${port}` }), 200);
  assert.equal(await statusWith({ Host: host, Origin: origin }), 200);
  assert.equal(await statusWith({ Host: 'evil.example' }), 421);
  assert.equal(await statusWith({ Host: `evil.example:${port}`, Origin: `http://evil.example:${port}` }), 421);
  assert.equal(await statusWith({ Origin: 'https://evil.example' }), 403);
  assert.equal(await statusWith({ Origin: 'null' }), 403);
  assert.equal(await statusWith({ 'Sec-Fetch-Site': 'cross-site' }), 403);
});

test('over HTTP, it listens on the loopback address alone, answers one path, and ends when it is told to', async () => {
  const { url, process: child } = await startHttp(platform.baseUrl);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
  assert.equal((await fetch(url)).status, 405);
  assert.equal((await fetch(new URL('/', url))).status, 404);
  const { port } = new URL(url);
  const second = spawn(process.execPath, argv(platform.baseUrl, '--http', port));
  const [said, [code]] = await Promise.all([text(second.stderr), once(second, 'close')]);
  assert.deepEqual([code, said.includes(`127.0.0.1:${port} is in use`)], [125, true]);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('wrong usage is exit code 2', async () => {
  for (const more of [['8080'], ['--http', 'eighty'], ['--http', '1', '2'], ['--http', '65536']]) {
    const child = spawn(process.execPath, argv(platform.baseUrl, ...more));
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.equal(code, 2, more.join(' '));
    assert.match(said, /\n\nUsage: runlane mcp/);
  }
});
