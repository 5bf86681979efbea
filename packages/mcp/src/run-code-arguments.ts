/** What `run_code` takes. The server checks again, and knows better what a language allows. */
import type { NewJob } from '@runlane/client';
import { z } from 'zod';

/** Clients of MCP usually give up after a minute, and a job may have to wait and to be compiled before it runs. */
export const MOST_WALL_TIME_MS = 50_000;

const text = (description: string) => z.string().meta({ description });

const fileSchema = z.strictObject({
  path: text('Relative, with "/" between parts, such as "main.py".'),
  content: z.string(),
  encoding: z.enum(['utf8', 'base64']).optional().meta({ description: 'base64 for bytes; utf8 when left out.' }),
});

const limitsSchema = z.strictObject({
  wallTimeMs: z
    .int()
    .min(1)
    .max(MOST_WALL_TIME_MS)
    .optional()
    .meta({ description: 'Longest time, in milliseconds; mostly 10000 when left out.' }),
  cpuTimeMs: z.int().min(1).optional().meta({ description: 'Most processor time, in milliseconds.' }),
  memoryBytes: z.int().min(1).optional().meta({ description: 'Most memory, in bytes; mostly 256 MiB when left out.' }),
});

export const argumentsSchema = z.strictObject({
  language: text('Name of a language, such as "python"; list_languages tells which there are.'),
  version: text('A version or a range of versions, such as "3.11" or ">=17 <22".').optional(),
  code: text('The whole program in one file. Give either this or files.').optional(),
  files: z.array(fileSchema).optional().meta({
    description: 'The program in several files, and data that it reads, instead of code.',
  }),
  entry: text(
    'With files: the one to start, where it is not the usual one of the language, such as main.py.',
  ).optional(),
  stdin: text('What the program reads from standard input.').optional(),
  args: z.array(z.string()).optional().meta({ description: 'Command-line arguments.' }),
  limits: limitsSchema.optional(),
});

/** @throws ZodError */
export function toJob(given: unknown): NewJob {
  const parsed = argumentsSchema.parse(given);
  // What was left out is undefined here, which JSON leaves out as well.
  return { ...parsed, metadata: { client: 'mcp' } } as NewJob;
}
