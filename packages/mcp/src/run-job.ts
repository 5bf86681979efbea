/** A job from its submission to its end. Where nobody waits for it any more, it is cancelled. */
import type { Client, Job, JobEvent, NewJob } from '@runlane/client';

interface Following {
  readonly signal: AbortSignal;
  readonly onEvent: (event: JobEvent) => void;
}

/** @throws RunlaneError where it could not be run; where the signal aborted, its reason, once the job is cancelled. */
export async function runJob(client: Client, job: NewJob, { signal, onEvent }: Following): Promise<Job> {
  signal.throwIfAborted();
  // Without the signal: a job whose id was not heard could not be cancelled.
  const { id } = await client.submit(job);
  try {
    for await (const event of client.watch(id, { signal })) {
      if (event.type === 'result') return event.job;
      onEvent(event);
    }
    return await client.get(id, { signal });
  } catch (error) {
    await client.cancel(id).catch(() => undefined);
    throw error;
  }
}
