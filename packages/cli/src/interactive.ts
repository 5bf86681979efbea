/** A program that is talked to from here while it runs. */
import type { Attachment, Client, JobEvent, NewJob } from '@runlane/client';
import { WebSocket } from 'ws';

interface Interaction {
  readonly terminal: boolean;
  readonly signal: AbortSignal;
}

/** Its events; what is typed here goes to it meanwhile. */
export async function interactively(
  client: Client,
  program: NewJob,
  { terminal, signal }: Interaction,
): Promise<AsyncIterable<JobEvent>> {
  const interactive = terminal ? { terminal: sizeHere() } : {};
  const { id } = await client.submit({ ...program, interactive }, { signal });
  return converse(await client.attach(id, { WebSocket, signal }), terminal);
}

async function* converse(attachment: Attachment, terminal: boolean): AsyncGenerator<JobEvent> {
  const { stdin, stdout } = process;
  const raw = terminal && stdin.isTTY;
  const type = (bytes: Uint8Array) => attachment.write(bytes);
  const end = () => attachment.closeStdin();
  const resize = () => attachment.resize(sizeHere());
  // Keys go there one by one, Ctrl-C among them: the terminal there makes of them what it does here.
  if (raw) stdin.setRawMode(true);
  stdin.on('data', type).once('end', end);
  if (terminal) stdout.on('resize', resize);
  try {
    yield* attachment;
  } finally {
    stdin.removeListener('data', type).removeListener('end', end).pause();
    stdout.removeListener('resize', resize);
    if (raw) stdin.setRawMode(false);
  }
}

const sizeHere = () => ({ rows: process.stdout.rows || 24, columns: process.stdout.columns || 80 });
