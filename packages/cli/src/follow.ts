/** Events of a job as they come, to standard output and standard error, and to its end. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Job, JobEvent } from '@runlane/client';
import { note } from './server.js';

/** The finished job; its output has been written. */
export async function follow(events: AsyncIterable<JobEvent>): Promise<Job> {
  const streams = { stdout: createOutput(process.stdout), stderr: createOutput(process.stderr) };
  for await (const event of events) {
    switch (event.type) {
      case 'status':
        if (event.status === 'running' && (event.attempt ?? 0) > 1) {
          note(`attempt ${event.attempt}: the platform failed the one before, so the output begins again`);
          for (const output of Object.values(streams)) output.restart();
        }
        break;
      case 'stdout':
      case 'stderr':
        await streams[event.type].write(event.data);
        break;
      case 'gap':
        for (const output of Object.values(streams)) output.waitForResult();
        break;
      case 'result':
        await streams.stdout.finish(bytesOf(event.job, 'stdout'));
        await streams.stderr.finish(bytesOf(event.job, 'stderr'));
        return event.job;
    }
  }
  throw new Error('a watch ended without a result');
}

export function bytesOf({ result }: Job, stream: 'stdout' | 'stderr'): Buffer {
  return Buffer.from(result?.[stream] ?? '', result?.[`${stream}Encoding`] ?? 'utf8');
}

function createOutput(to: Writable) {
  let written = 0;
  let gap = false;
  return {
    async write(bytes: Uint8Array): Promise<void> {
      if (gap) return;
      written += bytes.length;
      await writeTo(to, bytes);
    },
    restart() {
      written = 0;
      gap = false;
    },
    /** Something is missing: what follows would come in the wrong place. */
    waitForResult() {
      gap = true;
    },
    async finish(whole: Buffer): Promise<void> {
      if (written < whole.length) await writeTo(to, whole.subarray(written));
    },
  };
}

export async function writeTo(to: Writable, bytes: Uint8Array): Promise<void> {
  if (!to.write(bytes)) await once(to, 'drain');
}
