/** What clients get. A job in JSON is the same everywhere. */
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../errors.js';
import { DELIVERY_ENDS, DELIVERY_ERRORS } from './delivery.js';
import { limitsSchema } from './program-fields.js';
import { batchIdSchema, jobIdSchema } from './requests.js';
import { JOB_PRIORITIES, STATUSES } from './status.js';
import { VERDICTS } from './verdict.js';

const time = z.iso.datetime().meta({ example: '2026-01-31T12:00:00.000Z' });
const outputEncoding = z
  .literal('base64')
  .optional()
  .meta({ description: '`base64` where the bytes are not UTF-8; absent where the text is the output itself.' });

export const compileResultSchema = z
  .object({
    exitCode: z.int().nullable(),
    diagnostics: z.string().meta({ description: 'What the compiler wrote.' }),
    wallTimeMs: z.int(),
  })
  .meta({ id: 'CompileResult', description: 'The compile stage.' });

export const producedFileSchema = z
  .object({
    path: z.string().meta({ description: 'Path below "out", with "/" between parts.', example: 'plots/sine.png' }),
    sizeBytes: z.int().min(0),
    contentType: z
      .string()
      .meta({ description: 'What it seems to be by its name; `application/octet-stream` where that says nothing.' }),
    sha256: z.string().meta({ description: 'SHA-256 of its bytes, in lower-case hexadecimal.' }),
  })
  .meta({
    id: 'ProducedFile',
    description: 'A file that the program left; `GET /v1/jobs/{id}/files/{path}` gives it.',
  });

export const caseResultSchema = z
  .object({
    index: z.int().min(0).meta({ description: 'Its place in `cases`, from 0.' }),
    name: z.string().optional().meta({ description: 'As the job has it.' }),
    verdict: z.enum(VERDICTS),
    wallTimeMs: z.int().meta({ description: 'Real time of its run, in milliseconds.' }),
    cpuTimeMs: z.int().meta({ description: 'Processor time over all processes, in milliseconds.' }),
    memoryPeakBytes: z.int().meta({ description: 'Most memory at once over all processes, in bytes.' }),
    exitCode: z.int().min(0).max(255).nullable(),
    signal: z.string().nullable(),
    stdout: z.string().meta({ description: 'Its first bytes; judged is the whole of it.' }),
    stderr: z.string(),
    stdoutTruncated: z.boolean(),
    stderrTruncated: z.boolean(),
    stdoutEncoding: outputEncoding,
    stderrEncoding: outputEncoding,
    message: z.string().optional().meta({
      description: 'Why this verdict: where the output differs, which limit was reached, what the checker said.',
    }),
  })
  .meta({ id: 'CaseResult', description: 'The verdict on a test case, and how its run went.' });

export type CaseResultJson = z.output<typeof caseResultSchema>;

export const summarySchema = z
  .object({
    verdict: z
      .enum(VERDICTS)
      .meta({ description: '`accepted` when every case is, else that of the first that is not.' }),
    total: z.int().min(1),
    passed: z.int().min(0),
    failed: z.int().min(0),
    skipped: z.int().min(0),
    firstFailure: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Index of the first case that was judged and failed.' }),
  })
  .meta({ id: 'JudgingSummary', description: 'All test cases together.' });

export const resultSchema = z
  .object({
    exitCode: z
      .int()
      .min(0)
      .max(255)
      .nullable()
      .meta({ description: 'Null when a signal ended the program or it never ran.' }),
    signal: z.string().nullable().meta({ description: 'Name of the signal that ended the program.' }),
    stdout: z.string(),
    stderr: z.string(),
    stdoutTruncated: z.boolean(),
    stderrTruncated: z.boolean(),
    stdoutEncoding: outputEncoding,
    stderrEncoding: outputEncoding,
    wallTimeMs: z.int().meta({ description: 'Real time, in milliseconds.' }),
    cpuTimeMs: z.int().meta({ description: 'Processor time over all processes, in milliseconds.' }),
    memoryPeakBytes: z.int().meta({ description: 'Most memory at once over all processes, in bytes.' }),
    isolation: z.string().meta({ description: 'What kept the program apart.' }),
    message: z.string().optional().meta({ description: 'Why it ended so, where status and exit code do not say.' }),
    compile: compileResultSchema.optional(),
    files: z
      .array(producedFileSchema)
      .optional()
      .meta({ description: 'Files that the program left in its folder "out", in the byte order of their paths.' }),
    filesOmitted: z.int().min(1).optional().meta({
      description:
        'Files in "out" that did not come back: beyond the limits, or no plain files. The rest of a folder with so much in it that it is not looked through to its end counts as one.',
    }),
    cases: z
      .array(caseResultSchema)
      .optional()
      .meta({
        description:
          'In test mode, every case, in the order of the job. The result itself has no output and no exit code then, and of ' +
          'time and memory the most that one case took.',
      }),
    summary: summarySchema.optional(),
    checkerCompile: compileResultSchema
      .optional()
      .meta({ description: 'Why the checker, not the program, was refused by its compiler.' }),
  })
  .meta({ id: 'Result', description: 'How a run ended.' });

export const jobSchema = z
  .object({
    id: jobIdSchema,
    ownerId: z.string().meta({ description: '`anonymous` without API keys.' }),
    batchId: batchIdSchema.optional().meta({ description: 'The batch that it was submitted in, if any.' }),
    language: z.string(),
    version: z.string().meta({ description: 'As asked for; empty for the default.' }),
    status: z.enum(STATUSES),
    createdAt: time,
    startedAt: time.optional(),
    finishedAt: time.optional(),
    attempt: z
      .int()
      .min(0)
      .meta({ description: 'The attempt that runs or made the result, from 1; 0 before the first.' }),
    metadata: z.record(z.string(), z.string()).optional(),
    priority: z.enum(JOB_PRIORITIES).optional().meta({ description: 'As asked for.' }),
    notBefore: time.optional().meta({ description: 'As asked for.' }),
    result: resultSchema.optional(),
  })
  .meta({ id: 'Job', description: 'What was asked, where it stands, how it ended.' });

export type JobJson = z.output<typeof jobSchema>;

export const jobPageSchema = z
  .object({
    jobs: z.array(jobSchema).meta({ description: 'Newest first, without their output.' }),
    nextCursor: jobIdSchema
      .optional()
      .meta({ description: 'Absent on the last page. A page may be short, even empty, and still have a next one.' }),
  })
  .meta({ id: 'JobPage' });

export type JobPageJson = z.output<typeof jobPageSchema>;

export const deliverySchema = z
  .object({
    startedAt: time,
    endedAt: time.optional().meta({ description: 'Absent while it is under way, and of one that was lost.' }),
    statusCode: z.int().optional().meta({ description: 'What the receiver answered.' }),
    error: z.enum(DELIVERY_ERRORS).optional().meta({ description: 'Why there is no answer.' }),
  })
  .meta({ id: 'Delivery', description: 'A call of a `callbackUrl`, and what came of it.' });

export type DeliveryJson = z.output<typeof deliverySchema>;

export const deliveriesSchema = z
  .object({
    jobId: jobIdSchema,
    webhookId: z.string().meta({ description: 'The header `webhook-id` of every attempt.' }),
    callbackUrl: z.string(),
    state: z.enum(['pending', ...DELIVERY_ENDS]).meta({
      description:
        '`pending` until then; `delivered` with a 2xx; `gone` after a 410; `given_up` after as many attempts as are made.',
    }),
    attempts: z.array(deliverySchema).meta({ description: 'In order.' }),
    nextAttemptAt: time.optional(),
  })
  .meta({ id: 'Deliveries', description: 'How telling the end of a job to its `callbackUrl` goes.' });

export type DeliveriesJson = z.output<typeof deliveriesSchema>;

const statusCounts = z
  .partialRecord(z.enum(STATUSES), z.int().min(1))
  .meta({ description: 'How many of the jobs have each status; those that none has are left out.' });

export const batchSchema = z
  .object({
    id: batchIdSchema,
    ownerId: z.string().meta({ description: '`anonymous` without API keys.' }),
    createdAt: time,
    finishedAt: time.optional().meta({ description: 'When its last job ended; absent until all have.' }),
    total: z.int().min(1).meta({ description: 'Its jobs.' }),
    finished: z.int().min(0).meta({ description: 'Those that have ended, however they did.' }),
    counts: statusCounts,
    jobs: z
      .array(z.object({ id: jobIdSchema, status: z.enum(STATUSES) }))
      .meta({ description: 'In the order of submission. `GET /v1/jobs/{id}` tells the result of each.' }),
    metadata: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'Batch', description: 'Jobs that were accepted together, and how far they are.' });

export type BatchJson = z.output<typeof batchSchema>;

export const submittedSchema = z.object({ jobId: jobIdSchema }).meta({ id: 'Submitted' });

export const execResultSchema = z
  .object({
    jobId: jobIdSchema,
    status: z.enum(STATUSES),
    output: z.string().optional().meta({ description: 'Standard output.' }),
    error: z.string().optional().meta({ description: 'Standard error, or what the compiler or the platform said.' }),
    outputEncoding,
    errorEncoding: outputEncoding,
    exitCode: z.int().nullable().optional(),
    signal: z.string().nullable().optional(),
    wallTimeMs: z.int().optional(),
    cpuTimeMs: z.int().optional(),
    memoryPeakBytes: z.int().optional(),
    createdAt: time.optional(),
    startedAt: time.optional(),
    finishedAt: time.optional(),
  })
  .meta({ id: 'ExecResult', description: 'While the job is not finished: its id and status alone.' });

export type ExecResultJson = z.output<typeof execResultSchema>;

export const languageSchema = z
  .object({
    name: z.string(),
    title: z.string().meta({ description: 'Its name as people write it.', example: 'Python' }),
    version: z.string().meta({ description: 'Empty where no runner can run it.' }),
    aliases: z.array(z.string()),
    entry: z.string().meta({ description: 'The file that is started unless a job names one.', example: 'main.py' }),
    compiled: z.boolean().meta({ description: 'Whether programs are compiled before they run.' }),
    terminal: z.boolean().meta({ description: 'Whether programs can be run in a terminal.' }),
    available: z.boolean().meta({ description: 'Whether a runner can run it now.' }),
    unavailableReason: z
      .string()
      .optional()
      .meta({ description: 'Why not, and what to do about it; absent where it is available.' }),
    defaultLimits: limitsSchema,
    maximumLimits: limitsSchema,
  })
  .meta({ id: 'Language' });

export const languagesSchema = z.object({ languages: z.array(languageSchema) }).meta({ id: 'Languages' });

export type LanguageJson = z.output<typeof languageSchema>;

const runnerSchema = z.object({
  slots: z.int(),
  available: z.boolean(),
  isolation: z.object({
    driver: z.string(),
    summary: z.string(),
    weak: z.boolean(),
    layers: z.array(z.object({ name: z.string(), holds: z.boolean(), detail: z.string() })),
  }),
});

export const systemSchema = z
  .object({
    version: z.string().meta({ description: 'Version of Runlane.' }),
    runners: z.array(runnerSchema),
  })
  .meta({ id: 'System', description: 'What runs programs here, and what keeps them apart.' });

export type SystemJson = z.output<typeof systemSchema>;

export const platformStatusSchema = z
  .object({
    version: z.string().meta({ description: 'Version of Runlane.' }),
    now: time,
    unfinishedJobs: z.int(),
    queues: z.array(
      z.object({
        name: z.string(),
        waiting: z
          .int()
          .optional()
          .meta({ description: 'Deliveries that wait for a worker; absent while the queue is away.' }),
        putOff: z.int().optional().meta({
          description: 'Deliveries that wait for their time: jobs that start later, and what is tried again.',
        }),
      }),
    ),
    workers: z.array(
      z.object({
        id: z.string(),
        available: z.boolean(),
        startedAt: time,
        seenAt: time,
        slots: z
          .object({ total: z.int(), used: z.int() })
          .meta({ description: 'Of the runners that it is connected to, and those of them that it uses.' }),
        ended: z
          .partialRecord(z.enum(STATUSES), z.int())
          .meta({ description: 'Jobs that it has ended since it started, by how they ended.' }),
      }),
    ),
    runners: z.array(
      runnerSchema.extend({
        seenAt: time,
        languages: z.array(
          z.object({ name: z.string(), version: z.string(), unavailableReason: z.string().optional() }),
        ),
      }),
    ),
  })
  .meta({ id: 'PlatformStatus', description: 'How the platform fares.' });

export type PlatformStatusJson = z.output<typeof platformStatusSchema>;

/** What a watcher is told: as server-sent events, or a text frame each. */
export const jobEventSchema = z
  .object({
    id: z.string().optional().meta({ description: '`<attempt>-<sequence>`.', example: '1-2' }),
    event: z.enum(['status', 'stdout', 'stderr', 'case', 'gap', 'result', 'error']),
    data: z.union([
      z.object({ status: z.enum(STATUSES) }),
      z.object({ text: z.string(), encoding: outputEncoding }),
      z.object({}),
      jobSchema,
    ]),
  })
  .meta({
    id: 'JobEvent',
    description: 'What happened to a job. The data of `error` is a `Problem`; it ends the attachment.',
  });

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

export const problemSchema = z
  .object({
    type: z.string().meta({ example: 'about:blank' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What was wrong and what to do.' }),
    code: z.enum(CODES).meta({ description: 'Stable: meant for programs.' }),
    errors: z
      .array(z.object({ field: z.string(), reason: z.string() }))
      .optional()
      .meta({ description: 'Every bad field.' }),
  })
  .meta({ id: 'Problem', description: 'Why a request failed (RFC 9457).' });

export type ProblemJson = z.output<typeof problemSchema>;
