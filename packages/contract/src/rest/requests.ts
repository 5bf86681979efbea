/**
 * What clients may send, once for all doors: these schemas validate REST bodies (and gRPC messages, translated), give the
 * types, and are the OpenAPI document's.
 */
import { z } from 'zod';
import { MAX_VERSION_LENGTH, VERSION_EXAMPLES } from '../version-range.js';
import { collidingPath, pathProblem } from './source-path.js';
import { STATUSES } from './status.js';

export const MAX_FILE_BYTES = 256 * 1024;
export const MAX_SOURCE_BYTES = 1024 * 1024;
export const MAX_STDIN_BYTES = 1024 * 1024;
const MAX_FILES = 64;
const MAX_ARGS = 64;
const MAX_TEXT_BYTES = 4_096;
const MAX_ENTRIES = 64;
const MAX_LABELS = 16;
const MAX_BATCH_JOBS = 1_000;
/** Of a batch as it is sent. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** Names that would reach into every object rather than name an entry. */
const POISONED = new Set(['__proto__', 'constructor', 'prototype']);

const wellFormed = z
  .string()
  .refine((text) => text.isWellFormed(), 'must be valid Unicode: it has half of a surrogate pair');
const bytesAtMost = (max: number) =>
  [(text: string) => Buffer.byteLength(text) <= max, `must be at most ${max} bytes`] as const;
const argument = wellFormed
  .refine(...bytesAtMost(MAX_TEXT_BYTES))
  .refine((text) => !text.includes('\0'), 'must not contain NUL');
const encoding = z.enum(['utf8', 'base64']).default('utf8').meta({ description: 'How the text stands for bytes.' });

/** Base64 as RFC 4648 section 4 has it, padded, without blanks. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A text and its encoding as bytes. */
export function decodeText(text: string, as: 'utf8' | 'base64'): Buffer {
  return Buffer.from(text, as);
}

function checkEncoded(
  text: string,
  as: 'utf8' | 'base64',
  maxBytes: number,
  path: string,
  context: z.RefinementCtx,
): void {
  const problem = (message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (as === 'base64' && !BASE64.test(text)) problem('must be base64 with padding (RFC 4648, section 4)');
  else if (decodeText(text, as).length > maxBytes) problem(`must be at most ${maxBytes} bytes`);
}

const path = z
  .string()
  .superRefine((text, context) => {
    const problem = pathProblem(text);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ description: 'Relative path with "/" between parts.', example: 'main.py' });

export const sourceFileSchema = z
  .strictObject({
    path,
    content: wellFormed.meta({ description: `At most ${MAX_FILE_BYTES} bytes.`, example: "print('Hello, World!')\n" }),
    encoding,
  })
  .superRefine((file, context) => checkEncoded(file.content, file.encoding, MAX_FILE_BYTES, 'content', context))
  .meta({ id: 'SourceFile', description: 'One file of a program.' });

/** Below these no program starts at all. */
export const MINIMUM_LIMITS = { memoryBytes: 4 * 1024 * 1024, openFiles: 8, diskBytes: 4_096, inodes: 16 } as const;

/** Files that a program leaves: how many and how much come back when nobody says, and at most. */
export const PRODUCED_FILES = { usual: 64, most: 256 } as const;
export const PRODUCED_BYTES = { usual: 8 * 1024 * 1024, most: 32 * 1024 * 1024 } as const;

const amount = (description: string, min = 1, max = Number.MAX_SAFE_INTEGER) =>
  z.int().min(min).max(max).optional().meta({ description });
const compileLimitFields = {
  wallTimeMs: amount('Longest real time, in milliseconds.'),
  cpuTimeMs: amount('Most processor time over all processes, in milliseconds.'),
  memoryBytes: amount(
    'Most memory over all processes, temporary files included, in bytes.',
    MINIMUM_LIMITS.memoryBytes,
  ),
};

export const limitsSchema = z
  .strictObject({
    ...compileLimitFields,
    outputBytes: amount(
      'Most bytes of stdout, and of stderr; a program that writes more is ended, and the first bytes are kept.',
    ),
    processes: amount('Most processes and threads at once.'),
    openFiles: amount('Most open files of one process.', MINIMUM_LIMITS.openFiles),
    fileBytes: amount('Largest single file, in bytes.'),
    diskBytes: amount('Most bytes of files in each writable folder.', MINIMUM_LIMITS.diskBytes),
    inodes: amount('Most files and folders in each writable folder.', MINIMUM_LIMITS.inodes),
    producedFiles: amount(
      `Most files that come back from the folder "out"; ${PRODUCED_FILES.usual} where neither job nor language says.`,
      0,
      PRODUCED_FILES.most,
    ),
    producedBytes: amount(
      `Most bytes of all of them together; ${PRODUCED_BYTES.usual} where neither job nor language says.`,
      0,
      PRODUCED_BYTES.most,
    ),
    compile: z.strictObject(compileLimitFields).optional().meta({ description: 'Limits of the compile stage.' }),
  })
  .meta({
    id: 'Limits',
    description:
      'What a run may use. What is left out takes the default of the language; `GET /v1/languages` tells defaults and maxima.',
  });

const entries = (maxEntries: number, key: z.ZodType<string, string>, value: z.ZodType<string, string>) =>
  z
    .record(key, value)
    .refine((record) => Object.keys(record).length <= maxEntries, `must have at most ${maxEntries} entries`)
    .optional();

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'names are letters, digits and "_", at most 128');
const labelName = wellFormed
  .refine((name) => name.length > 0 && Buffer.byteLength(name) <= 128, 'names are 1 to 128 bytes')
  .refine((name) => !POISONED.has(name), 'this name is not allowed');

const labels = (of: string) =>
  entries(MAX_LABELS, labelName, wellFormed.refine(...bytesAtMost(1_024))).meta({
    description: `Your own labels, kept with the ${of} and never interpreted.`,
    example: { exercise: '7' },
  });

/** What several fields decide together. They may be of any type still: then their own checks have said so. */
function checkAcrossFields(value: unknown, context: z.RefinementCtx): void {
  if (typeof value !== 'object' || value === null) return;
  const { code, files: given, entry, stdin, stdinEncoding } = value as Record<string, unknown>;
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  if ((code === undefined) === (given === undefined)) problem(['code'], 'give either "code" or "files", and not both');
  if (typeof stdin === 'string') {
    checkEncoded(stdin, stdinEncoding === 'base64' ? 'base64' : 'utf8', MAX_STDIN_BYTES, 'stdin', context);
  }
  if (!Array.isArray(given)) return;
  const read = z
    .array(z.object({ path: z.string(), content: z.string(), encoding: z.enum(['utf8', 'base64']).default('utf8') }))
    .safeParse(given);
  if (!read.success) return;
  const files = read.data;
  const collision = collidingPath(files.map((file) => file.path));
  if (collision !== undefined) {
    problem(['files', collision, 'path'], 'is the same as, or lies within, an earlier file on some file systems');
  }
  const total = files.reduce((sum, { content, encoding: as }) => sum + decodeText(content, as).length, 0);
  if (total > MAX_SOURCE_BYTES) problem(['files'], `must be at most ${MAX_SOURCE_BYTES} bytes in all`);
  if (entry !== undefined && !files.some((file) => file.path === entry)) {
    problem(['entry'], 'must be the path of one of the files');
  }
}

export const newJobSchema = z
  .strictObject({
    language: z
      .string()
      .min(1)
      .max(64)
      .default('python')
      .meta({ description: 'Name or alias of a language.', example: 'python' }),
    version: wellFormed
      .max(MAX_VERSION_LENGTH)
      .optional()
      .meta({
        description: `A version or a range of versions as npm writes them, such as ${VERSION_EXAMPLES}: the newest within it is taken. When left out, the runner's default, which need not be the newest.`,
        example: '3',
      }),
    code: wellFormed
      .refine(...bytesAtMost(MAX_FILE_BYTES))
      .optional()
      .meta({ description: 'The whole program in one file. Use this or `files`.', example: "print('Hello, World!')" }),
    files: z
      .array(sourceFileSchema)
      .min(1)
      .max(MAX_FILES)
      .optional()
      .meta({ description: 'The program in several files.' }),
    entry: path.optional().meta({
      description:
        'The file to start: one of `files`. When left out, the usual one of the language (such as `main.py`), else the first.',
      example: 'main.py',
    }),
    stdin: wellFormed
      .default('')
      .meta({ description: `Standard input, at most ${MAX_STDIN_BYTES} bytes.`, example: '' }),
    stdinEncoding: encoding,
    args: z.array(argument).max(MAX_ARGS).default([]).meta({ description: 'Command-line arguments.', example: [] }),
    env: entries(MAX_ENTRIES, variableName, argument).meta({ description: 'Environment variables.', example: {} }),
    limits: limitsSchema.optional(),
    metadata: labels('job'),
  })
  // Even where other fields are bad, so that all are named at once.
  .superRefine(checkAcrossFields, { when: () => true })
  .meta({ id: 'NewJob', description: 'A program and how to run it.' });

export type NewJob = z.output<typeof newJobSchema>;

const batchOf = <T extends z.ZodType>(job: T) =>
  z.strictObject({
    jobs: z
      .array(job)
      .min(1, 'must have at least one job')
      .max(MAX_BATCH_JOBS, `must have at most ${MAX_BATCH_JOBS} jobs; send the rest as another batch`),
    metadata: labels('batch'),
  });

export const newBatchSchema = batchOf(newJobSchema).meta({
  id: 'NewBatch',
  description: 'Jobs to be accepted together.',
});

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
