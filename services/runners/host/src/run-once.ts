/** A command of ours in the sandbox, from its start to its end: for tools, whose output is short. */
import type { RunEnd, RunRequest, Sandbox } from './sandbox/sandbox.js';
import { SandboxError } from './sandbox/sandbox.js';

export interface Ran {
  readonly end: RunEnd;
  /** Standard output, then standard error. */
  readonly output: Buffer;
}

export interface ProducedPart {
  readonly path: string;
  readonly executable: boolean;
  readonly data: Buffer;
}

/** @throws SandboxError when it could not be run. `signal` ends it. */
export async function runOnce(
  sandbox: Sandbox,
  request: RunRequest,
  onFile: (part: ProducedPart) => Promise<void> | void = () => {},
  signal?: AbortSignal,
): Promise<Ran> {
  const run = await sandbox.open(request);
  signal?.addEventListener('abort', run.close);
  try {
    if (signal?.aborted) throw new SandboxError('given up before it began');
    run.go();
    run.closeStdin();
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    for await (const event of run.events()) {
      if (event.kind === 'stdout') stdout.push(event.data);
      else if (event.kind === 'stderr') stderr.push(event.data);
      else if (event.kind === 'file') await onFile(event);
      else if (event.kind === 'exited') return { end: event.end, output: Buffer.concat([...stdout, ...stderr]) };
    }
    throw new SandboxError('the run ended without a verdict');
  } finally {
    signal?.removeEventListener('abort', run.close);
    run.close();
  }
}
