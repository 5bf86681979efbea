/** Ctrl-C, as a signal that calls take. A second one ends this process at once. */

const INTERRUPTED = 130;

export async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  process.once('SIGINT', leave);
  try {
    return await work(leaving.signal);
  } catch (error) {
    if (leaving.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    process.removeListener('SIGINT', leave);
  }
}
