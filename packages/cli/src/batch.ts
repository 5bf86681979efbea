/** A batch followed to its end, with how far it is on a terminal. */
import type { Batch, BatchEvent } from '@runlane/client';

const BAR_COLUMNS = 30;

/** The finished batch. */
export async function followBatch(events: AsyncIterable<BatchEvent>): Promise<Batch> {
  const progress = process.stderr.isTTY ? onTerminal : () => undefined;
  for await (const event of events) {
    if (event.type === 'progress') progress(event);
    if (event.type === 'done') {
      if (process.stderr.isTTY) process.stderr.write('\n');
      return event.batch;
    }
  }
  throw new Error('a watch ended before its batch was done');
}

function onTerminal({ finished, total, counts }: Pick<Batch, 'finished' | 'total' | 'counts'>): void {
  const full = Math.floor((finished / total) * BAR_COLUMNS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_COLUMNS - full);
  process.stderr.write(`\r\u001b[K${bar} ${finished}/${total}  ${inWords(counts)}`);
}

/** A line for the whole batch; exit code 0 when every job succeeded. */
export function tellBatch({ id, total, finished, counts }: Batch): number {
  process.stdout.write(`${id}  ${finished} of ${total} ended  ${inWords(counts)}\n`);
  return counts.succeeded === total ? 0 : 1;
}

const inWords = (counts: Batch['counts']) =>
  Object.entries(counts)
    .map(([status, count]) => `${status} ${count}`)
    .join(', ');
