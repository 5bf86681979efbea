/** What a tool is: a line in the table of `server.ts`. */
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
  Tool as ToolDescription,
} from '@modelcontextprotocol/sdk/types.js';
import type { Language } from '@runlane/client';
import { z } from 'zod';
import type { Platform } from './platform.js';

export type Call = RequestHandlerExtra<ServerRequest, ServerNotification>;

export interface Tool {
  /** @param languages what there is now; undefined where the server does not tell. */
  describe(languages: readonly Language[] | undefined): ToolDescription;
  /** @throws RunlaneError where the platform could not; ZodError where the arguments are none that it takes. */
  call(args: unknown, platform: Platform, call: Call): Promise<CallToolResult>;
}

type ObjectSchema = ToolDescription['inputSchema'];

/** Draft 7 is what clients of every age understand. */
export function inputSchema(schema: z.ZodObject): ObjectSchema {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as ObjectSchema;
}

export function outputSchema(schema: z.ZodObject): ObjectSchema {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'output' }) as ObjectSchema;
}
