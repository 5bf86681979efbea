/**
 * A program as clients send it, for whatever takes one (a job, the checker that judges it): its language, its sources, and
 * what it may use.
 */
import { z } from 'zod';
import { MAX_VERSION_LENGTH, VERSION_EXAMPLES } from '../version-range.js';
import { collidingPath, pathProblem } from './source-path.js';

export const MAX_FILE_BYTES = 256 * 1024;
export const MAX_SOURCE_BYTES = 1024 * 1024;
export const MAX_STDIN_BYTES = 1024 * 1024;
const MAX_FILES = 64;
export const MAX_ARGS = 64;
export const MAX_TEXT_BYTES = 4_096;

export const wellFormed = z
  .string()
  .refine((text) => text.isWellFormed(), 'must be valid Unicode: it has half of a surrogate pair');
export const bytesAtMost = (max: number) =>
  [(text: string) => Buffer.byteLength(text) <= max, `must be at most ${max} bytes`] as const;
export const argument = wellFormed
  .refine(...bytesAtMost(MAX_TEXT_BYTES))
  .refine((text) => !text.includes('\0'), 'must not contain NUL');
export const encoding = z
  .enum(['utf8', 'base64'])
  .default('utf8')
  .meta({ description: 'How the text stands for bytes.' });

/** Base64 as RFC 4648 section 4 has it, padded, without blanks. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A text and its encoding as bytes. */
export function decodeText(text: string, as: 'utf8' | 'base64'): Buffer {
  return Buffer.from(text, as);
}

export function checkEncoded(
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

/** What a program is made of. What these decide together: `checkSources`. */
export const sourceFields = {
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
    .meta({
      description: `The whole program in one file, at most ${MAX_FILE_BYTES} bytes. Use this or \`files\`.`,
      example: "print('Hello, World!')",
    }),
  files: z
    .array(sourceFileSchema)
    .min(1)
    .max(MAX_FILES)
    .optional()
    .meta({ description: `The program in several files, at most ${MAX_FILES}, and ${MAX_SOURCE_BYTES} bytes in all.` }),
  entry: path.optional().meta({
    description:
      'The file to start: one of `files`. When left out, the usual one of the language (such as `main.py`), else the first.',
    example: 'main.py',
  }),
};

/** Where it is not 1: below the first four no program starts at all, and files need not come back. */
export const MINIMUM_LIMITS = {
  memoryBytes: 4 * 1024 * 1024,
  openFiles: 8,
  diskBytes: 4_096,
  inodes: 16,
  producedFiles: 0,
  producedBytes: 0,
} as const;

/** Files that a program leaves: how many and how much come back when nobody says, and at most. */
export const PRODUCED_FILES = { usual: 64, most: 256 } as const;
export const PRODUCED_BYTES = { usual: 8 * 1024 * 1024, most: 32 * 1024 * 1024 } as const;

const amount = (description: string, min = 1, max = Number.MAX_SAFE_INTEGER) =>
  z.int().min(min).max(max).optional().meta({ description });
export const compileLimitFields = {
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
      MINIMUM_LIMITS.producedFiles,
      PRODUCED_FILES.most,
    ),
    producedBytes: amount(
      `Most bytes of all of them together; ${PRODUCED_BYTES.usual} where neither job nor language says.`,
      MINIMUM_LIMITS.producedBytes,
      PRODUCED_BYTES.most,
    ),
    compile: z.strictObject(compileLimitFields).optional().meta({ description: 'Limits of the compile stage.' }),
  })
  .meta({
    id: 'Limits',
    description:
      'What a run may use. What is left out takes the default of the language; `GET /v1/languages` tells defaults and maxima.',
  });

/** A problem of a field below the value that is checked. */
export type Problem = (path: (string | number)[], message: string) => void;

/** What several fields of a program decide together. They may be of any type still: then their own checks have said so. */
export function checkSources({ code, files: given, entry }: Record<string, unknown>, problem: Problem): void {
  if (code === undefined && given === undefined) problem(['code'], 'is missing: give "code", or "files"');
  if (code !== undefined && given !== undefined) problem(['code'], 'give either "code" or "files", and not both');
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
