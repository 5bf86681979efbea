/**
 * Why nothing was run, for a model that may do something about it. The spec has two kinds of errors; this is the kind that
 * models see (`isError`): arguments that were refused and a server that is away are mended by another call, or by a person.
 */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { RunlaneError } from '@runlane/client';
import { ZodError } from 'zod';
import { inOneLine, languagesNow, type Platform } from './platform.js';

interface Refused {
  readonly field: string;
  readonly reason: string;
}

/** @throws what is neither the caller's mistake nor the platform's. */
export async function refusal(error: unknown, platform: Platform): Promise<CallToolResult> {
  return { content: [{ type: 'text', text: await reason(error, platform) }], isError: true };
}

function reason(error: unknown, platform: Platform): Promise<string> | string {
  if (error instanceof ZodError) return refused(error.issues.map(toRefused), platform);
  if (!(error instanceof RunlaneError)) throw error;
  if (error.fields.length > 0) return refused(error.fields, platform);
  if (error.code === 'UNREACHABLE') return away(error, platform);
  if (error.status === 401) return `${error.message}. The server wants an API key: RUNLANE_API_KEY of this MCP server.`;
  return `Runlane could not do it: ${error.message} (${error.code}).${error.retryable ? ' Try again in a while.' : ''}`;
}

function away({ message }: RunlaneError, { url }: Platform): string {
  return (
    `The Runlane server is away: ${message}. Nothing is known to have run. Ask the user to start it (\`npm start\` in the ` +
    `folder of Runlane) or to name another with --server or RUNLANE_URL; it is looked for at ${url}. Then call this tool again.`
  );
}

async function refused(fields: readonly Refused[], platform: Platform): Promise<string> {
  const lines = fields.map(({ field, reason }) => `- ${field || 'the request'}: ${reason}`);
  const ofLanguage = fields.some(({ field }) => field === 'language' || field === 'version');
  const languages = ofLanguage && (await languagesNow(platform));
  const there = languages ? [`Languages that can be run: ${inOneLine(languages) || 'none'}.`] : [];
  return ['The request was refused, and nothing was run:', ...lines, ...there].join('\n');
}

const toRefused = ({ path, message }: ZodError['issues'][number]): Refused => ({
  field: path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, ''),
  reason: message,
});
