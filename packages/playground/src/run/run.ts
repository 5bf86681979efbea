/** One run after the other: submitted, followed to its end, cancelled. What it prints goes to a sink, where it stands to the page. */
import type { JobJson, ProblemJson } from '@runlane/contract';
import { type Attachment, AwayError, type Client, type JobEvent, ProblemError } from '../api.js';
import type { Stream } from '../output/output-buffer.js';
import type { NewJob } from '../program/program.js';

export interface RunState {
  readonly phase: 'idle' | 'submitting' | 'running' | 'ended';
  readonly status?: JobJson['status'] | undefined;
  readonly id?: string | undefined;
  /** There once it has ended. */
  readonly job?: JobJson | undefined;
  /** Why the server would not take it. */
  readonly problem?: ProblemJson | undefined;
  /** Whatever else went wrong, in words. */
  readonly failure?: string | undefined;
  /** False while the server is away and looked for. */
  readonly connected: boolean;
  readonly cancelling: boolean;
  /** Whether the program takes what is typed. */
  readonly talking: boolean;
}

export interface Sink {
  append(stream: Stream, text: string): void;
  clear(): void;
}

export interface Run {
  start(job: NewJob): Promise<JobJson | undefined>;
  cancel(): void;
  /** To a program that is talked to. */
  write(text: string): void;
  closeStdin(): void;
  resize(rows: number, columns: number): void;
}

export const IDLE: RunState = { phase: 'idle', connected: true, cancelling: false, talking: false };

const SUBMIT_AGAIN_MS = 1_000;

export function createRun(client: Client, sink: Sink, tell: (state: RunState) => void): Run {
  let state = IDLE;
  let leaving = new AbortController();
  let attachment: Attachment | undefined;
  const set = (change: Partial<RunState>) => {
    state = { ...state, ...change };
    tell(state);
  };

  /** The same key each time: however often it is sent, it is one job. */
  async function submit(job: NewJob, signal: AbortSignal): Promise<JobJson> {
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    for (;;) {
      try {
        return await client.submit(job, { signal, key });
      } catch (error) {
        if (!(error instanceof AwayError)) throw error;
        set({ connected: false });
        await new Promise((resolve) => setTimeout(resolve, SUBMIT_AGAIN_MS));
        signal.throwIfAborted();
      }
    }
  }

  /** Whether that was the end. */
  function take(event: JobEvent): JobJson | undefined {
    if (event.type === 'status') {
      // An attempt begins: what an earlier one printed does not count.
      if (event.status === 'running') sink.clear();
      set({ status: event.status });
    } else if (event.type === 'stdout' || event.type === 'stderr') sink.append(event.type, event.text);
    else if (event.type === 'result') return event.job;
    return undefined;
  }

  async function follow(events: AsyncIterable<JobEvent>): Promise<JobJson | undefined> {
    for await (const event of events) {
      const ended = take(event);
      if (ended) return ended;
    }
    return undefined;
  }

  async function talk(id: string): Promise<JobJson | undefined> {
    attachment = client.attach(id);
    set({ talking: true });
    try {
      return await follow(attachment.events);
    } catch (error) {
      if (!(error instanceof AwayError)) throw error;
      // The server ends such a program by itself; how, is told to whoever watches.
      set({ failure: 'The connection to the program was lost, which ends it.' });
      return undefined;
    } finally {
      attachment = undefined;
      set({ talking: false });
    }
  }

  const watch = (id: string, signal: AbortSignal) =>
    follow(client.watch(id, { signal, onConnection: (connected) => set({ connected }) }));

  async function run(job: NewJob, signal: AbortSignal): Promise<JobJson | undefined> {
    const { id } = await submit(job, signal);
    set({ phase: 'running', id, connected: true, status: 'accepted' });
    const ended = (job.interactive && (await talk(id))) ?? (await watch(id, signal));
    if (ended) set({ phase: 'ended', job: ended, status: ended.status });
    return ended;
  }

  return {
    async start(job) {
      leaving.abort();
      leaving = new AbortController();
      const { signal } = leaving;
      sink.clear();
      state = IDLE;
      set({ phase: 'submitting' });
      try {
        return await run(job, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        if (error instanceof ProblemError) set({ phase: 'ended', problem: error.problem });
        else set({ phase: 'ended', failure: error instanceof Error ? error.message : String(error) });
        return undefined;
      }
    },
    cancel() {
      if (state.phase === 'submitting') {
        leaving.abort();
        set({ phase: 'idle', connected: true });
        return;
      }
      if (state.phase !== 'running' || !state.id) return;
      set({ cancelling: true, failure: undefined });
      client.cancel(state.id).catch((error: Error) => set({ cancelling: false, failure: `Not cancelled: ${error.message}.` }));
    },
    write(text) {
      attachment?.write(text);
    },
    closeStdin() {
      attachment?.closeStdin();
      set({ talking: false });
    },
    resize: (rows, columns) => attachment?.resize(rows, columns),
  };
}
