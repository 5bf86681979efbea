/** What every process of Runlane does around its own work: read the log level, stop in order on a signal, end with a clear message. */
import { setFlagsFromString } from 'node:v8';
import closeWithGrace from 'close-with-grace';
import { type Closer, createCloser } from './closer.js';
import { readConfig } from './config.js';
import { createLog, type Log } from './log.js';
import { openTracing } from './tracing/open-tracing.js';

/**
 * How much the heap may grow before garbage is collected again, in percent of what is alive. V8's own measure lets a process
 * under steady load take three times the memory that it needs; this costs no measurable time.
 */
const HEAP_GROWTH_PERCENT = 40;

export interface ServiceContext {
  readonly env: NodeJS.ProcessEnv;
  readonly closer: Closer;
  readonly log: Log;
}

/**
 * Start a service; on SIGTERM, SIGINT or an error that nobody caught, close what it opened and exit.
 * Exit code 0 after a signal, 1 after an error. A second signal ends it at once.
 */
export async function runService(name: string, start: (context: ServiceContext) => Promise<void>): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
  try {
    const { LOG_LEVEL, SHUTDOWN_SECONDS } = readConfig(process.env, ['LOG_LEVEL', 'SHUTDOWN_SECONDS']);
    const log = createLog(name, LOG_LEVEL);
    const closer = createCloser({ graceMs: SHUTDOWN_SECONDS, log });
    closeWithGrace({ delay: SHUTDOWN_SECONDS + 1_000, logger: false }, async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'an error that nobody caught: stopping');
      else log.info({ signal }, 'stopping');
      await closer.close();
    });
    try {
      await openTracing(name, process.env, { closer, log });
      await start({ env: process.env, closer, log });
    } catch (error) {
      await closer.close();
      throw error;
    }
  } catch (error) {
    process.stderr.write(`runlane ${name}: ${(error as Error).message}\n`);
    process.exit(1);
  }
}
