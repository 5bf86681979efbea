/** What `run_code` tells in `structuredContent`; the text for a model is made of it. */
import { z } from 'zod';

const fileSchema = z.object({
  path: z.string().meta({ description: 'Below out/.' }),
  sizeBytes: z.number(),
  contentType: z.string(),
  attached: z.enum(['image', 'text', 'blob', 'no']).meta({
    description: 'As what it is among the content of the answer; "no" where it is too large for that.',
  }),
});

export type FileReport = z.output<typeof fileSchema>;

export const reportSchema = z.object({
  jobId: z.string(),
  status: z.string().meta({
    description: 'succeeded, failed, timed_out, memory_exceeded, output_exceeded, compile_failed, cancelled or error.',
  }),
  summary: z.string().meta({ description: 'How it ended, in words.' }),
  exitCode: z.number().optional().meta({ description: 'Absent where the program did not end by itself.' }),
  signal: z.string().optional().meta({ description: 'The signal that ended it.' }),
  stdout: z.string().meta({ description: 'Shortened in its middle where it is long.' }),
  stderr: z.string().meta({ description: 'Shortened in its middle where it is long.' }),
  diagnostics: z.string().optional().meta({ description: 'What the compiler wrote.' }),
  wallTimeMs: z.number(),
  cpuTimeMs: z.number(),
  memoryPeakBytes: z.number(),
  files: z.array(fileSchema).meta({ description: 'What the program left in out/.' }),
  notes: z.array(z.string()).meta({ description: 'What else there is to know, such as output that is missing.' }),
});

export type Report = z.output<typeof reportSchema>;
