/** The input of interactive jobs in this process's memory, on its way from whoever is attached to whoever runs the job. */
import { EventEmitter, once } from 'node:events';
import type { JobId } from '../../job.js';
import { inputBytes, type JobFeed, type JobInput, MAX_WAITING_INPUT_BYTES } from '../../job-feed.js';

interface Waiting {
  readonly inputs: JobInput[];
  bytes: number;
  /** The number of the last that came. */
  sequence: number;
}

export function createEmbeddedInputs(): Pick<JobFeed, 'appendInput' | 'readInput' | 'dropInput'> {
  const jobs = new Map<JobId, Waiting>();
  const came = new EventEmitter().setMaxListeners(0);
  const taken = new EventEmitter().setMaxListeners(0);

  return {
    async appendInput(id, sequence, input, signal) {
      signal.throwIfAborted();
      const waiting = jobs.get(id) ?? { inputs: [], bytes: 0, sequence: 0 };
      jobs.set(id, waiting);
      while (waiting.bytes >= MAX_WAITING_INPUT_BYTES) await once(taken, id, { signal });
      signal.throwIfAborted();
      if (sequence <= waiting.sequence) return;
      waiting.sequence = sequence;
      waiting.inputs.push(input);
      waiting.bytes += inputBytes(input);
      came.emit(id);
    },

    async *readInput(id, signal) {
      while (!signal.aborted) {
        const waiting = jobs.get(id);
        const input = waiting?.inputs[0];
        if (!waiting || !input) {
          await once(came, id, { signal }).catch(() => undefined);
          continue;
        }
        yield input;
        waiting.inputs.shift();
        waiting.bytes -= inputBytes(input);
        taken.emit(id);
      }
    },

    dropInput: async (id) => void jobs.delete(id),
  };
}
