/**
 * What clients may send, once for all doors: these schemas validate REST bodies (and gRPC messages, translated), give the
 * types, and are the OpenAPI document's.
 */
import { z } from 'zod';
import { callbackUrlProblem, MAX_CALLBACK_URL_BYTES } from './callback-url.js';
import { checkJudging, judgingFields } from './judging.js';
import {
  argument,
  bytesAtMost,
  checkEncoded,
  checkSources,
  encoding,
  limitsSchema,
  MAX_ARGS,
  MAX_FILE_BYTES,
  MAX_STDIN_BYTES,
  MAX_TEXT_BYTES,
  type Problem,
  sourceFields,
  wellFormed,
} from './program-fields.js';
import { JOB_PRIORITIES, STATUSES } from './status.js';

const MAX_ENTRIES = 64;
const MAX_LABELS = 16;
const MAX_LABEL_BYTES = 1_024;
const MAX_BATCH_JOBS = 1_000;
/** Of a batch as it is sent. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** Names that would reach into every object rather than name an entry. */
const POISONED = new Set(['__proto__', 'constructor', 'prototype']);

const entries = (maxEntries: number, key: z.ZodType<string, string>, value: z.ZodType<string, string>) =>
  z
    .record(key, value)
    .refine((record) => Object.keys(record).length <= maxEntries, `must have at most ${maxEntries} entries`)
    .optional();

const LARGEST_SIDE = 1_000;
const terminalSize = {
  rows: z.int().min(1).max(LARGEST_SIDE).meta({ example: 24 }),
  columns: z.int().min(1).max(LARGEST_SIDE).meta({ example: 80 }),
};

export const interactiveSchema = z
  .strictObject({
    terminal: z
      .strictObject(terminalSize)
      .optional()
      .meta({
        description:
          'Run it in a terminal of this size: stdin, stdout and stderr are the terminal, and what it writes is told as stdout. ' +
          'Without it they are pipes.',
      }),
  })
  .meta({
    id: 'Interactive',
    description:
      'Keep standard input open after `stdin`: `GET /v1/jobs/{id}/attach` gives more. Such a program is never run a second time.',
  });

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'names are letters, digits and "_", at most 128');
const labelName = wellFormed
  .refine((name) => name.length > 0 && Buffer.byteLength(name) <= 128, 'names are 1 to 128 bytes')
  .refine((name) => !POISONED.has(name), 'this name is not allowed');

const labels = (of: string) =>
  entries(MAX_LABELS, labelName, wellFormed.refine(...bytesAtMost(MAX_LABEL_BYTES))).meta({
    description: `Your own labels, at most ${MAX_LABELS} of at most ${MAX_LABEL_BYTES} bytes each; kept with the ${of} and never interpreted.`,
    example: { exercise: '7' },
  });

const callbackUrl = z
  .string()
  .superRefine((text, context) => {
    const problem = callbackUrlProblem(text);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  })
  .optional()
  .meta({
    description:
      `Where the job is posted to when it has ended, signed, until somebody takes it: see docs/webhooks.md. At most ` +
      `${MAX_CALLBACK_URL_BYTES} bytes, https, on a public address.`,
    example: 'https://example.org/hooks/runlane',
  });

/** How far ahead a job may be put, in milliseconds: 7 days. */
const MAX_AHEAD_MS = 7 * 24 * 3_600_000;

const notBefore = z.iso
  .datetime({ offset: true })
  // Of a time that cannot be read, its own check has said so.
  .refine((time) => !(Date.parse(time) - Date.now() > MAX_AHEAD_MS), 'must be within the next 7 days')
  .optional()
  .meta({
    description:
      'Not run before this time, at most 7 days ahead; a time that is past is now. It is compiled at once, so that what is wrong ' +
      'with it is known, and is `queued` until then.',
    example: '2026-01-31T12:00:00Z',
  });

const priority = z
  .enum(JOB_PRIORITIES)
  .optional()
  .meta({
    description:
      '`interactive`: somebody waits for it; `batch`: it may wait behind your other jobs, and gets a turn for every 101 of theirs at least. ' +
      'Left out, it is `interactive`; in a batch it is always `batch`.',
  });

/** What several fields decide together. They may be of any type still: then their own checks have said so. */
function checkAcrossFields(value: unknown, context: z.RefinementCtx): void {
  if (typeof value !== 'object' || value === null) return;
  const { stdin, stdinEncoding, ...rest } = value as Record<string, unknown>;
  const problem: Problem = (path, message) => context.addIssue({ code: 'custom', path, message });
  checkSources(rest, problem);
  if (typeof stdin === 'string') {
    checkEncoded(stdin, stdinEncoding === 'base64' ? 'base64' : 'utf8', MAX_STDIN_BYTES, 'stdin', context);
  }
  checkJudging(rest, problem);
  const { interactive, notBefore: later } = rest;
  if (interactive !== undefined && later !== undefined)
    problem(['notBefore'], 'does not go with interactive: somebody is to be there when it starts');
}

export const newJobSchema = z
  .strictObject({
    ...sourceFields,
    stdin: wellFormed
      .default('')
      .meta({ description: `Standard input, at most ${MAX_STDIN_BYTES} bytes.`, example: '' }),
    stdinEncoding: encoding,
    args: z
      .array(argument)
      .max(MAX_ARGS)
      .default([])
      .meta({
        description: `Command-line arguments, at most ${MAX_ARGS} of at most ${MAX_TEXT_BYTES} bytes each.`,
        example: [],
      }),
    env: entries(MAX_ENTRIES, variableName, argument).meta({
      description: `Environment variables, at most ${MAX_ENTRIES} of at most ${MAX_TEXT_BYTES} bytes each.`,
      example: {},
    }),
    limits: limitsSchema.optional(),
    interactive: interactiveSchema.optional(),
    ...judgingFields,
    priority,
    notBefore,
    callbackUrl,
    metadata: labels('job'),
  })
  // Even where other fields are bad, so that all are named at once.
  .superRefine(checkAcrossFields, { when: () => true })
  .meta({ id: 'NewJob', description: 'A program and how to run it.' });

export type NewJob = z.output<typeof newJobSchema>;
/** As clients send it: what has a default may be left out. */
export type NewJobInput = z.input<typeof newJobSchema>;

/** Most bytes of standard input in one message of somebody attached. */
export const MAX_INPUT_BYTES = 64 * 1024;

export const INPUT_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;

const stdinMessage = z
  .strictObject({ type: z.literal('stdin'), data: wellFormed, encoding })
  .superRefine(({ data, encoding: as }, context) => checkEncoded(data, as, MAX_INPUT_BYTES, 'data', context))
  .meta({
    description: `More standard input, at most ${MAX_INPUT_BYTES} bytes. A binary frame is the same, as bytes.`,
  });

/** What somebody attached says, one JSON text a frame. */
export const attachMessageSchema = z
  .discriminatedUnion('type', [
    stdinMessage,
    z.strictObject({ type: z.literal('close_stdin') }).meta({ description: 'No more standard input.' }),
    z
      .strictObject({ type: z.literal('signal'), name: z.enum(INPUT_SIGNALS) })
      .meta({ description: 'Send a signal to the program.' }),
    z
      .strictObject({ type: z.literal('resize'), ...terminalSize })
      .meta({ description: 'The size of the terminal has changed.' }),
  ])
  .meta({ id: 'AttachMessage', description: 'What a client says to an interactive program, a text frame each.' });

export type AttachMessage = z.output<typeof attachMessageSchema>;

const batchOf = <T extends z.ZodType>(job: T) =>
  z.strictObject({
    jobs: z
      .array(job)
      .min(1, 'must have at least one job')
      .max(MAX_BATCH_JOBS, `must have at most ${MAX_BATCH_JOBS} jobs; send the rest as another batch`)
      .meta({ description: `The jobs, at most ${MAX_BATCH_JOBS}.` }),
    metadata: labels('batch'),
  });

export const newBatchSchema = batchOf(newJobSchema).meta({
  id: 'NewBatch',
  description: 'Jobs to be accepted together.',
});

export type NewBatchInput = z.input<typeof newBatchSchema>;

/** A batch whose jobs are still to be checked, one by one: all at once would take too long to let others in between. */
export const uncheckedBatchSchema = batchOf(z.unknown());

export const submitCodeSchema = z
  .strictObject({
    code: wellFormed.refine(...bytesAtMost(MAX_FILE_BYTES)).meta({ example: "print('Hello, World!')" }),
    language: z.string().min(1).max(64).default('python').meta({ example: 'python' }),
  })
  .meta({ id: 'SubmitCode', description: 'A program in one file.' });

/** In lower case: checked before the store is asked, so that nothing else ever reaches it. */
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const jobIdSchema = z
  .string()
  .regex(UUID_V7, 'must be a job id: a lower-case UUIDv7')
  .meta({ example: '01890a5d-ac96-774b-bcce-b302099a8057' });

export const batchIdSchema = z
  .string()
  .regex(UUID_V7, 'must be a batch id: a lower-case UUIDv7')
  .meta({ example: '01890a5d-ac96-774b-bcce-b302099a8057' });

export const batchParamsSchema = z.strictObject({ id: batchIdSchema });

export const execResultQuerySchema = z.strictObject({ jobId: jobIdSchema });

export const jobParamsSchema = z.strictObject({ id: jobIdSchema });

export const fileParamsSchema = z.strictObject({
  id: jobIdSchema,
  path: z.string().meta({
    description: 'Its path, as in the result. It may hold "/", written as it is or as "%2F".',
    example: 'plots/sine.png',
  }),
});

const wholeNumberText = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, 'must be a whole number')
    .default(String(fallback))
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`);

export const listQuerySchema = z.strictObject({
  limit: wholeNumberText(1, 100, 50).meta({ description: 'Most jobs in the page, 1 to 100.', example: '50' }),
  cursor: jobIdSchema.optional().meta({ description: '`nextCursor` of the page before.' }),
  status: z.enum(STATUSES).optional().meta({ description: 'Only jobs with this status.' }),
  language: z.string().min(1).max(64).optional().meta({ description: 'Only jobs of this language.' }),
});

export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters');

export const eventIdSchema = z.string().regex(/^\d{1,9}-\d{1,15}$/, 'must be the id of an event, such as "1-7"');

/** The id of a batch's last event; those before it have none, as a watch begins with all that has happened. */
export const BATCH_DONE = 'done';

export const batchEventIdSchema = z.literal(BATCH_DONE, `must be "${BATCH_DONE}", the id of a batch's last event`);
