/**
 * One run over one bidirectional call: start → admitted → go → started, output…, exited.
 * Whatever ends the call (its caller gone, a deadline, an error here) closes the run, which kills the program.
 */
import { once } from 'node:events';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import { inSpan, type Span } from '@runlane/core';
import type { Artifacts } from './artifacts.js';
import { DIGEST } from './artifacts.js';
import { checkRoom, checkWords, pathProblem, withRunFiles } from './check.js';
import { fillCommand, OUT_FOLDER, sourcesAmong } from './command.js';
import type { Languages } from './languages.js';
import { resolveLimits } from './limits.js';
import type { LateRun, Preludes } from './preludes.js';
import { invalid, Refusal } from './refusal.js';
import {
  RUN_SIGNALS,
  type Run,
  type RunEnd,
  type RunEvent,
  type RunSignal,
  type Sandbox,
  type TerminalSize,
} from './sandbox/sandbox.js';
import type { Slots } from './slots.js';

const MAX_STDIN_BYTES = 1024 * 1024;
/** Of a terminal, in characters. */
const LARGEST_SIDE = 1_000;
/** What terminals of browsers and desktops understand. */
const TERMINAL_TYPE = 'xterm-256color';

export type ExecuteCall = ServerDuplexStream<runner.ExecuteRequest, runner.ExecuteResponse>;

export interface ExecuteDependencies {
  readonly languages: Languages;
  readonly sandbox: Sandbox;
  readonly preludes: Preludes;
  readonly artifacts: Artifacts;
  readonly slots: Slots;
  /** How long a slot is held for a caller that does not say go. */
  readonly goTimeoutMs: number;
}

const REASONS: Record<RunEnd['reason'], runner.EndReason> = {
  exited: runner.EndReason.EXITED,
  wall: runner.EndReason.WALL_TIME,
  cpu: runner.EndReason.CPU_TIME,
  memory: runner.EndReason.MEMORY,
  output: runner.EndReason.OUTPUT,
};

/** Serves one call. It throws what the call is to be refused with; `gone` aborts when the caller has left. */
export function createExecute({ languages, sandbox, preludes, artifacts, slots, goTimeoutMs }: ExecuteDependencies) {
  const isolation = sandbox.description.summary;
  return async function execute(call: ExecuteCall, gone: AbortSignal, span: Span): Promise<void> {
    const requests: AsyncIterator<runner.ExecuteRequest, undefined> = call[Symbol.asyncIterator]();
    const start = await expect(requests, 'start');
    const planned = plan(start);
    span.tell({ 'runlane.language': planned.request.language });
    const release = slots.take();
    if (!release) throw new Refusal(status.RESOURCE_EXHAUSTED, `all ${slots.total} slots are taken`);
    let run: Run | undefined;
    try {
      const opened = await inSpan(
        'sandbox',
        span.place,
        async () => (await preludes.take(planned)) ?? (await sandbox.open(planned.request)),
      );
      run = opened;
      // Closing kills; listening before looking, so that a caller who left meanwhile is not missed.
      gone.addEventListener('abort', run.close);
      if (gone.aborted) return;
      call.write({ message: { $case: 'admitted', value: {} } });
      await waitForGo(requests);
      await inSpan('program', span.place, async (running) => {
        opened.go();
        void feed(opened, start, requests);
        for await (const event of opened.events()) {
          if (event.kind === 'exited') running.tell({ 'runlane.end': event.end.reason });
          if (!call.write({ message: toMessage(event) })) await once(call, 'drain', { signal: gone });
        }
      });
    } finally {
      run?.close();
      release();
    }
  };

  function toMessage(event: RunEvent): NonNullable<runner.ExecuteResponse['message']> {
    if (event.kind === 'started') return { $case: 'started', value: {} };
    if (event.kind === 'file') return { $case: 'file', value: { path: event.path, chunk: event.data } };
    if (event.kind === 'exited') return { $case: 'exited', value: toExited(event.end, isolation) };
    const stream = event.kind === 'stdout' ? runner.Stream.STDOUT : runner.Stream.STDERR;
    return { $case: 'output', value: { stream, data: event.data } };
  }

  /** What the sandbox is to do, from what the caller asks. */
  function plan(start: runner.Start): LateRun {
    const language = languages.choose(start.language, start.version);
    if (!language) throw unknownLanguage(start.language, start.version);
    const problems: string[] = [];
    if (!DIGEST.test(start.artifactDigest)) problems.push('artifact_digest is not a SHA-256 in lower-case hexadecimal');
    const entryProblem = pathProblem(start.entry);
    if (entryProblem) problems.push(`entry ${entryProblem}`);
    if (start.stdin.length > MAX_STDIN_BYTES) problems.push(`stdin is longer than ${MAX_STDIN_BYTES} bytes`);
    if (start.terminal && !isSize(start.terminal))
      problems.push(`terminal must have 1 to ${LARGEST_SIDE} rows and columns`);
    checkWords(start, problems);
    const limits = resolveLimits(start.limits, language.bounds, problems);
    if (problems.length > 0) throw invalid(problems);
    const prepared = artifacts.files(start.artifactDigest);
    if (!prepared)
      throw new Refusal(status.FAILED_PRECONDITION, `artifact ${start.artifactDigest} is not held here: upload it`);
    if (!prepared.some((file) => file.path === start.entry)) throw invalid(['entry is not a file of the artifact']);
    const files = withRunFiles(prepared, start.files);
    checkRoom(files, limits, problems);
    if (problems.length > 0) throw invalid(problems);
    const { manifest, tools, toolchain, environment } = language;
    const { entry, args } = start;
    // Of the program alone: a run must not give a tool more to work on.
    const sources = sourcesAmong(
      prepared.map(({ path }) => path),
      manifest,
    );
    const request = {
      language: manifest.name,
      argv: fillCommand(manifest.run.argv, { tools, toolchain, entry, args, sources }),
      env: { ...environment, ...(start.terminal && { TERM: TERMINAL_TYPE }), ...start.env },
      files,
      collect: OUT_FOLDER,
      limits,
      ...(start.terminal && { terminal: start.terminal }),
    };
    return { language, entry, variables: Object.keys(start.env), request };
  }

  async function waitForGo(requests: AsyncIterator<runner.ExecuteRequest, undefined>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Refusal(status.DEADLINE_EXCEEDED, `no go within ${goTimeoutMs} ms: the slot is free again`));
      }, goTimeoutMs);
    });
    try {
      await Promise.race([expect(requests, 'go'), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

export function unknownLanguage(name: string, version: string): Refusal {
  return new Refusal(status.NOT_FOUND, `no language ${JSON.stringify(`${name} ${version}`.trim().slice(0, 64))} here`);
}

function toExited(end: RunEnd, isolation: string): runner.Exited {
  return {
    reason: REASONS[end.reason],
    exitCode: end.code ?? undefined,
    signal: end.signal ?? undefined,
    wallTimeMs: end.wallMs,
    cpuTimeMs: end.cpuMs,
    memoryPeakBytes: end.memoryPeakBytes,
    stdoutTruncated: end.stdoutTruncated,
    stderrTruncated: end.stderrTruncated,
    filesOmitted: end.filesOmitted,
    isolation,
  };
}

type Message = NonNullable<runner.ExecuteRequest['message']>;

type Named<C extends Message['$case']> = Extract<Message, { $case: C }>;

async function expect<C extends Message['$case']>(
  requests: AsyncIterator<runner.ExecuteRequest, undefined>,
  name: C,
): Promise<Named<C>['value']> {
  const { value } = await requests.next();
  const message = value?.message;
  if (message?.$case !== name) throw invalid([`${message?.$case ?? 'the end'} came where ${name} must`]);
  // The compiler does not narrow a union by a type parameter.
  return message.value as Named<C>['value'];
}

/** Pass on what the caller sends while the program runs. It ends with the call, and its failures are the call's. */
async function feed(run: Run, start: runner.Start, requests: AsyncIterator<runner.ExecuteRequest, undefined>) {
  try {
    if (start.stdin.length > 0) await run.writeStdin(start.stdin);
    if (!start.keepStdinOpen) run.closeStdin();
    for (;;) {
      const { value, done } = await requests.next();
      if (done || !value.message) break;
      const { message } = value;
      // Not read further while the program does not take it: that is the back-pressure towards the caller.
      if (message.$case === 'stdin' && start.keepStdinOpen) await run.writeStdin(message.value);
      else if (message.$case === 'closeStdin') run.closeStdin();
      else if (message.$case === 'resize' && isSize(message.value)) run.resize(message.value);
      else if (message.$case === 'signal' && isSignal(message.value.name)) run.signal(message.value.name);
    }
    // A caller that has closed its side sends no more input either.
    run.closeStdin();
  } catch {
    run.close();
  }
}

function isSize({ rows, columns }: TerminalSize): boolean {
  return [rows, columns].every((side) => side >= 1 && side <= LARGEST_SIDE);
}

function isSignal(name: string): name is RunSignal {
  return (RUN_SIGNALS as readonly string[]).includes(name);
}
