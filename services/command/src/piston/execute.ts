/** A program run while its caller waits, as Piston does it: no id, no second request. */
import { StringDecoder } from 'node:string_decoder';
import { RunlaneError } from '@runlane/contract';
import type { JobView } from '@runlane/core';
import type { Caller } from '../auth/caller.js';
import type { Command } from '../command.js';
import { readPistonProgram } from './request.js';
import { type PistonResult, toPistonResult } from './response.js';

/**
 * @param gone aborts when the caller has left, or the server stops: the job is cancelled then, as nobody could ask for its result.
 * @throws RunlaneError what `submit` throws, and `CANCELLED`
 */
export async function execute(
  command: Command,
  caller: Caller,
  body: unknown,
  gone: AbortSignal,
): Promise<PistonResult> {
  const { language, body: job } = readPistonProgram(body, await command.languages.all());
  const { view } = await command.submit({ body: job, caller });
  const { ended, output } = await follow(command, view, gone);
  if (!ended?.result) {
    await command.jobs.cancel(caller.ownerId, view.job.id);
    throw new RunlaneError('CANCELLED', 'the server stops, and the program was ended; send it again');
  }
  return toPistonResult({ ...ended, result: ended.result }, output, language);
}

/** The job when it has ended; none where the caller left first. */
async function follow({ watch }: Command, { job }: JobView, gone: AbortSignal) {
  const output = createInterleaved();
  for await (const event of watch.watch(job.ownerId, job.id, undefined, gone)) {
    if (event.type === 'stdout' || event.type === 'stderr') output.add(event.type, event.data);
    else if (event.type === 'result') return { ended: event.view, output: output.text(event.view) };
  }
  return {};
}

/** Both streams in the order in which they came. */
function createInterleaved() {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  const pieces: string[] = [];
  let bytes = 0;
  return {
    add(stream: 'stdout' | 'stderr', data: Uint8Array) {
      bytes += data.length;
      pieces.push(decoders[stream].write(Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
    },
    /** Undefined where events were lost, or came from an attempt before: then the order is not known. */
    text({ result }: JobView): string | undefined {
      if (!result || bytes !== result.stdout.length + result.stderr.length) return undefined;
      return [...pieces, decoders.stdout.end(), decoders.stderr.end()].join('');
    },
  };
}
