/** `runlane mcp`: Runlane as a tool of AI agents. */
import { once } from 'node:events';
import type { McpDoor } from '@runlane/mcp';
import { type Called, command, noWords, UsageError } from './command.js';
import { clientFor, NOT_DONE, note, SERVER_HELP, SERVER_OPTIONS, serverUrl } from './server.js';

const DEFAULT_PORT = 3002;
const MAX_PORT = 65_535;

const help = `Usage: runlane mcp [--http [PORT]] [options]

An MCP server with the tools run_code and list_languages. It speaks over standard input and output, as clients that start it
themselves want it; docs/mcp.md tells how they are set up.

  --http [PORT]         serve Streamable HTTP instead, on the loopback address (default: ${DEFAULT_PORT}; 0 is a free one)
${SERVER_HELP}

Exit code: 0 when it was told to end, 125 when it cannot listen, 2 when it was called wrongly.
`;

const options = { ...SERVER_OPTIONS, http: { type: 'boolean' } } as const;

export const mcp = command({ summary: 'be the code tool of an AI agent', help, options, run });

async function run(called: Called<typeof options>): Promise<number> {
  const { values } = called;
  const port = values.http ? readPort(called) : undefined;
  if (port === undefined) noWords(called);
  const platform = { client: clientFor(values), url: serverUrl(values.server) };
  const ended = createEnd();
  // Here alone: no other command is to wait for what this one brings with it.
  const mcp = await import('@runlane/mcp');
  if (port !== undefined) return serve(() => mcp.serveHttp(platform, { port }), ended);
  await mcp.serveStdio(platform, ended);
  return 0;
}

async function serve(open: () => Promise<McpDoor>, ended: AbortSignal): Promise<number> {
  const door = await open().catch((error: Error) => note(error.message));
  if (!door) return NOT_DONE;
  process.stdout.write(`${door.url}\n`);
  if (!ended.aborted) await once(ended, 'abort');
  await door.close();
  return 0;
}

/** Of Ctrl-C and SIGTERM the first: what runs is cancelled then. A second one ends this process at once. */
function createEnd(): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  return end.signal;
}

function readPort({ words: [text, ...others], rest }: Called<typeof options>): number {
  noWords({ words: others, rest });
  const port = Number(text ?? DEFAULT_PORT);
  const ok = Number.isInteger(port) && port >= 0 && port <= MAX_PORT;
  if (!ok) throw new UsageError(`the port must be a whole number from 0 to ${MAX_PORT}`);
  return port;
}
