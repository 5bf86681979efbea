/** MCP over standard input and output, as clients start it themselves. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { instructions } from './instructions.js';
import type { Platform } from './platform.js';
import { createMcpServer } from './server.js';

/** Ends when the client closes standard input, or the signal aborts; what runs is cancelled then. */
export async function serveStdio(platform: Platform, signal: AbortSignal): Promise<void> {
  const server = createMcpServer(platform, await instructions(platform));
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
  });
  const close = () => void server.close();
  // The SDK's transport does not notice that the client is gone.
  process.stdin.once('end', close);
  signal.addEventListener('abort', close, { once: true });
  await server.connect(new StdioServerTransport());
  if (signal.aborted) close();
  await closed;
}
