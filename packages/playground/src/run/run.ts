/** One run after the other: submitted, followed to its end, cancelled. What it prints goes to a sink, where it stands to the page. */
import { type Attachment, type Job, type JobEvent, type NewJob, RunlaneError, type Status } from '@runlane/client';
import type { Api } from '../api.js';
import type { Stream } from '../output/output-buffer.js';
import { toText } from './bytes.js';

export interface RunState {
  readonly phase: 'idle' | 'submitting' | 'running' | 'ended';
  readonly status?: Status | undefined;
  readonly id?: string | undefined;
  /** There once it has ended. */
  readonly job?: Job | undefined;
  /** Why the server would not take it. */
  readonly refusal?: RunlaneError | undefined;
  /** Whatever else went wrong, in words. */
  readonly failure?: string | undefined;
  readonly cancelling: boolean;
  /** Whether the program takes what is typed. */
  readonly talking: boolean;
}

export interface Sink {
  append(stream: Stream, text: string): void;
  /** Show what was appended now: what comes next says that this was all. */
  flush(): void;
  clear(): void;
}

export interface Run {
  /** The job once it has ended; undefined where it never began, or nobody follows it any more. */
  start(job: NewJob): Promise<Job | undefined>;
  cancel(): void;
  /** To a program that is talked to. */
  write(text: string): void;
  closeStdin(): void;
  resize(rows: number, columns: number): void;
}

export const IDLE: RunState = { phase: 'idle', cancelling: false, talking: false };

/** A message holds at most 64 KiB; a unit of a text takes at most three bytes. */
const MESSAGE_CHARS = 16_384;

export function createRun({ client, reached }: Api, sink: Sink, tell: (state: RunState) => void): Run {
  let state = IDLE;
  let leaving = new AbortController();
  let attachment: Attachment | undefined;
  let missed = false;
  const set = (change: Partial<RunState>) => {
    state = { ...state, ...change };
    tell(state);
  };

  /** The job, if that was the end. */
  function take(event: JobEvent): Job | undefined {
    reached();
    if (event.type === 'result') return event.job;
    if (event.type === 'stdout' || event.type === 'stderr') sink.append(event.type, event.text);
    if (event.type === 'gap') missed = true;
    if (event.type === 'status') {
      // An attempt begins: what an earlier one printed does not count.
      if (event.status === 'running') {
        sink.clear();
        missed = false;
      }
      set({ status: event.status });
    }
    return undefined;
  }

  async function follow(events: AsyncIterable<JobEvent>): Promise<Job | undefined> {
    for await (const event of events) {
      const ended = take(event);
      if (ended) return ended;
    }
    return undefined;
  }

  async function talk(id: string, signal: AbortSignal): Promise<Job | undefined> {
    try {
      attachment = await client.attach(id, { signal });
      set({ talking: true });
      return await follow(attachment);
    } catch {
      signal.throwIfAborted();
      // The server ends such a program by itself; how, is told to whoever watches.
      set({ failure: 'The connection to the program was lost, which ends it.' });
      return undefined;
    } finally {
      attachment = undefined;
      set({ talking: false });
    }
  }

  function showEnd({ status, result }: Job): void {
    if (result && missed) {
      sink.clear();
      sink.append('stdout', toText(result.stdout, result.stdoutEncoding));
      sink.append('stderr', toText(result.stderr, result.stderrEncoding));
    }
    if (status === 'compile_failed') sink.append('stderr', result?.compile?.diagnostics ?? '');
    sink.flush();
  }

  async function run(job: NewJob, signal: AbortSignal): Promise<Job> {
    const { id } = await client.submit(job, { signal });
    reached();
    set({ phase: 'running', id, status: 'accepted' });
    const talked = job.interactive && (await talk(id, signal));
    const ended = talked ?? (await follow(client.watch(id, { signal }))) ?? (await client.get(id, { signal }));
    showEnd(ended);
    set({ phase: 'ended', job: ended, status: ended.status, cancelling: false });
    return ended;
  }

  return {
    async start(job) {
      leaving.abort();
      leaving = new AbortController();
      const { signal } = leaving;
      sink.clear();
      missed = false;
      state = IDLE;
      set({ phase: 'submitting' });
      try {
        return await run(job, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        if (error instanceof RunlaneError) set({ phase: 'ended', refusal: error });
        else set({ phase: 'ended', failure: error instanceof Error ? error.message : String(error) });
        return undefined;
      }
    },
    cancel() {
      if (state.phase === 'submitting') {
        leaving.abort();
        reached();
        set({ phase: 'idle' });
      }
      if (state.phase !== 'running' || !state.id) return;
      set({ cancelling: true, failure: undefined });
      client
        .cancel(state.id)
        .catch((error: Error) => set({ cancelling: false, failure: `It was not cancelled: ${error.message}` }));
    },
    write(text) {
      for (let at = 0; at < text.length; at += MESSAGE_CHARS) attachment?.write(text.slice(at, at + MESSAGE_CHARS));
    },
    closeStdin() {
      attachment?.closeStdin();
      set({ talking: false });
    },
    resize: (rows, columns) => attachment?.resize({ rows, columns }),
  };
}
