/** The MCP server, whatever it is reached by: its tools, and what a model is told of them. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { listLanguages } from './list-languages.js';
import { languagesNow, type Platform } from './platform.js';
import { refusal } from './refusal.js';
import { runCode } from './run-code.js';
import type { Tool } from './tool.js';
import { VERSION } from './version.js';

const TOOLS: ReadonlyMap<string, Tool> = new Map([
  ['run_code', runCode],
  ['list_languages', listLanguages],
]);

/**
 * Not the SDK's `McpServer`: what that tells of a tool is fixed when it is registered, and which languages there are is
 * to be said as of when somebody asks.
 */
export function createMcpServer(platform: Platform, instructions = ''): Server {
  const server = new Server(
    { name: 'runlane', title: 'Runlane', version: VERSION },
    { capabilities: { tools: {} }, instructions },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    const languages = await languagesNow(platform);
    return { tools: [...TOOLS.values()].map((tool) => tool.describe(languages)) };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, call) => {
    const tool = TOOLS.get(params.name);
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `there is no tool "${params.name}"`);
    try {
      return await tool.call(params.arguments ?? {}, platform, call);
    } catch (error) {
      return await refusal(error, platform);
    }
  });
  return server;
}
