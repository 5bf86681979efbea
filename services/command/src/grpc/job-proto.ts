/** A job, its events and the languages as protobuf messages. */
import { execution, type NewJob, types } from '@runlane/contract';
import type { CompileResult, JobPriority, JobView, Limits, Result, Status } from '@runlane/core';
import type { KnownLanguage } from '../languages.js';
import type { WatchEvent } from '../watch.js';
import { toCaseMessage, toCasesInput, toJudgedMessage, toJudgeInput, toSummaryMessage } from './judging-proto.js';
import { toSourcesInput } from './sources-proto.js';

export const STATUS: Readonly<Record<Status, types.JobStatus>> = {
  accepted: types.JobStatus.ACCEPTED,
  saving: types.JobStatus.SAVING,
  queued: types.JobStatus.QUEUED,
  running: types.JobStatus.RUNNING,
  succeeded: types.JobStatus.SUCCEEDED,
  failed: types.JobStatus.FAILED,
  timed_out: types.JobStatus.TIMED_OUT,
  memory_exceeded: types.JobStatus.MEMORY_EXCEEDED,
  output_exceeded: types.JobStatus.OUTPUT_EXCEEDED,
  compile_failed: types.JobStatus.COMPILE_FAILED,
  cancelled: types.JobStatus.CANCELLED,
  error: types.JobStatus.ERROR,
};

const PRIORITY: Readonly<Record<JobPriority, types.JobPriority>> = {
  interactive: types.JobPriority.INTERACTIVE,
  batch: types.JobPriority.BATCH,
};

const nameIn = <N extends string>(numbers: Readonly<Record<N, number>>, number: number) =>
  (Object.keys(numbers) as N[]).find((name) => numbers[name] === number);

/** The status's name; undefined where none is set, and for a number that is none of ours. */
export function toStatusName(status: types.JobStatus): Status | undefined {
  return nameIn(STATUS, status);
}

export function toJobMessage(view: JobView): execution.Job {
  const { job, status, attempt, startedAtMs, finishedAtMs, result } = view;
  return {
    id: job.id,
    ownerId: job.ownerId,
    batchId: job.batchId ?? '',
    language: job.program.language,
    version: job.program.version,
    status: STATUS[status],
    createdAtMs: job.createdAtMs,
    startedAtMs,
    finishedAtMs,
    attempt,
    metadata: { ...job.metadata },
    priority: job.priority ? PRIORITY[job.priority] : types.JobPriority.UNSPECIFIED,
    notBeforeMs: job.notBeforeAtMs,
    result: result && toResultMessage(result),
  };
}

function toResultMessage(result: Result): execution.Result {
  const { compile, checkerCompile, summary } = result;
  return {
    exitCode: result.exitCode ?? undefined,
    signal: result.signal ?? undefined,
    stdout: Buffer.from(result.stdout),
    stderr: Buffer.from(result.stderr),
    stdoutTruncated: result.stdoutTruncated,
    stderrTruncated: result.stderrTruncated,
    wallTimeMs: result.wallTimeMs,
    cpuTimeMs: result.cpuTimeMs,
    memoryPeakBytes: result.memoryPeakBytes,
    isolation: result.isolation,
    message: result.message,
    compile: compile && toCompileMessage(compile),
    files: result.files?.map((file) => ({ ...file })) ?? [],
    filesOmitted: result.filesOmitted ?? 0,
    cases: result.cases?.map(toCaseMessage) ?? [],
    summary: summary && toSummaryMessage(summary),
    checkerCompile: checkerCompile && toCompileMessage(checkerCompile),
  };
}

function toCompileMessage({ exitCode, diagnostics, wallTimeMs }: CompileResult): types.CompileResult {
  return { exitCode: exitCode ?? undefined, diagnostics: Buffer.from(diagnostics), wallTimeMs };
}

export function toEventMessage(event: WatchEvent): execution.Event {
  const id = event.id ?? '';
  switch (event.type) {
    case 'status':
      return { id, event: { $case: 'status', value: STATUS[event.status] } };
    case 'stdout':
    case 'stderr':
      return { id, event: { $case: event.type, value: Buffer.from(event.data) } };
    case 'case':
      return { id, event: { $case: 'case', value: toJudgedMessage(event.case) } };
    case 'gap':
      return { id, event: { $case: 'gap', value: {} } };
    case 'result':
      return { id, event: { $case: 'result', value: toJobMessage(event.view) } };
  }
}

export function toLanguageMessage(language: KnownLanguage): execution.Language {
  return {
    name: language.name,
    title: language.title,
    version: language.version,
    aliases: [...language.aliases],
    compiled: language.compiled,
    terminal: language.terminal,
    entry: language.entry,
    available: language.available,
    unavailableReason: language.unavailableReason ?? '',
    defaultLimits: toLimitsMessage(language.defaultLimits),
    maximumLimits: toLimitsMessage(language.maximumLimits),
  };
}

const UNSET_LIMITS: types.Limits = {
  wallTimeMs: undefined,
  cpuTimeMs: undefined,
  memoryBytes: undefined,
  outputBytes: undefined,
  processes: undefined,
  openFiles: undefined,
  fileBytes: undefined,
  diskBytes: undefined,
  inodes: undefined,
  compile: undefined,
  producedFiles: undefined,
  producedBytes: undefined,
};

function toLimitsMessage(limits: Limits): types.Limits {
  const compile = limits.compile && {
    wallTimeMs: undefined,
    cpuTimeMs: undefined,
    memoryBytes: undefined,
    ...limits.compile,
  };
  return { ...UNSET_LIMITS, ...limits, compile };
}

/** A message as the JSON that REST would have got, so that one schema checks both. Protobuf's empty values are unset. */
export function toNewJobInput(program: execution.Program | undefined): Record<keyof NewJob, unknown> {
  const {
    stdin,
    args,
    env,
    limits,
    interactive,
    metadata,
    cases,
    judge,
    priority,
    notBeforeMs,
    callbackUrl,
    ...sources
  } = program ?? execution.Program.decode(new Uint8Array());
  return {
    ...toSourcesInput(sources),
    stdin: stdin.toString('base64'),
    stdinEncoding: 'base64',
    args,
    env: inOrder(env),
    limits,
    interactive,
    cases: toCasesInput(cases),
    judge: judge && toJudgeInput(judge),
    priority: toPriorityInput(priority),
    notBefore: notBeforeMs === undefined ? undefined : toTimeInput(notBeforeMs),
    callbackUrl: callbackUrl || undefined,
    metadata: Object.keys(metadata).length === 0 ? undefined : inOrder(metadata),
  };
}

/** A number that is none of ours is left for the schema to refuse. */
function toPriorityInput(priority: types.JobPriority): unknown {
  if (priority === types.JobPriority.UNSPECIFIED) return undefined;
  return nameIn(PRIORITY, priority) ?? priority;
}

/** A time that no date can be is left for the schema to refuse. */
function toTimeInput(ms: number): unknown {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? ms : time.toISOString();
}

/** A map has no order on the wire, and some clients change it from call to call: the same request must stay the same. */
export function inOrder<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
