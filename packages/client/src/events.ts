/** What happens in a job or a batch, as a caller gets it. */
import type { Batch, CaseResult, Job, Status } from './json.js';

/** Where an event stands: `id` is what `watch` takes as `after`; `attempt` counts from 1. */
interface Place {
  readonly id?: string;
  readonly attempt?: number;
}

export type JobEvent =
  /** The first event of `run`: the job is stored, and will end whatever happens. */
  | { readonly type: 'accepted'; readonly job: Job }
  /** `running` begins an attempt: output of an earlier one is void. */
  | (Place & { readonly type: 'status'; readonly status: Status })
  /** `data` is what the program wrote; `text` is the same decoded as UTF-8, with no character cut in two. */
  | (Place & { readonly type: 'stdout' | 'stderr'; readonly text: string; readonly data: Uint8Array })
  /** In test mode, a case that was judged. */
  | (Place & { readonly type: 'case'; readonly case: Partial<CaseResult> & Pick<CaseResult, 'index' | 'verdict'> })
  /** Events were lost; the result holds the whole output. */
  | (Place & { readonly type: 'gap' })
  /** The last event. */
  | (Place & { readonly type: 'result'; readonly job: Job });

export type BatchEvent =
  /** A job of the batch has ended; `index` is its place in the batch, from 0. */
  | { readonly type: 'job'; readonly index: number; readonly id: string; readonly status: Status }
  | ({ readonly type: 'progress' } & Pick<Batch, 'total' | 'finished' | 'counts'>)
  /** The last event. */
  | { readonly type: 'done'; readonly batch: Batch };

/** A server-sent event, or a frame of an attachment, with its data parsed. */
export interface Told {
  readonly id?: string | undefined;
  readonly event?: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: what it holds depends on the event, and a newer server may tell more.
  readonly data: any;
}

/** A translator for one job: output is decoded as it goes on from event to event. Undefined for what a newer server tells. */
export function createToJobEvent(): (told: Told) => JobEvent | undefined {
  const decode = { stdout: createDecode(), stderr: createDecode() };
  return function toJobEvent({ id, event, data }) {
    const place: Place = id === undefined ? {} : { id, attempt: Number.parseInt(id, 10) };
    switch (event) {
      case 'status':
        return { ...place, type: event, status: data.status };
      case 'stdout':
      case 'stderr':
        return { ...place, type: event, ...decode[event](data) };
      case 'case':
        return { ...place, type: event, case: data };
      case 'gap':
        return { ...place, type: event };
      case 'result':
        return { ...place, type: event, job: data };
      default:
        return undefined;
    }
  };
}

export function toBatchEvent({ event, data }: Told): BatchEvent | undefined {
  if (event === 'done') return { type: event, batch: data };
  return event === 'job' || event === 'progress' ? { type: event, ...data } : undefined;
}

/** Text is told as text where the bytes of an event are UTF-8 by themselves, and else as base64: a character may be cut in two. */
function createDecode() {
  const decoder = new TextDecoder();
  return function decode({ text, encoding }: { text: string; encoding?: 'base64' }) {
    if (encoding === 'base64') {
      const data = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
      return { text: decoder.decode(data, { stream: true }), data };
    }
    // What was begun and is not gone on with is broken, and told so with U+FFFD.
    return { text: decoder.decode() + text, data: new TextEncoder().encode(text) };
  };
}
