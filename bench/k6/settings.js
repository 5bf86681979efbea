/** What the one who starts k6 says, and what every scenario runs. Runs in k6. */
import exec from 'k6/execution';

export const URL = __ENV.LOAD_URL;
export const GRPC = __ENV.LOAD_GRPC;
export const API_KEY = __ENV.LOAD_API_KEY;
/** How long after its acceptance a job may end. */
export const PATIENCE_MS = Number(__ENV.LOAD_PATIENCE_SECONDS) * 1_000;
const RUN = __ENV.LOAD_RUN;

const LINES = 5;

/** A program that prints words of its own. */
export function newJob({ slowly = false } = {}) {
  const token = `${RUN}-${exec.vu.idInTest}-${exec.vu.iterationInInstance}-${exec.scenario.name}`;
  const lines = slowly ? Array.from({ length: LINES }, (_, n) => `${token} ${n}`) : [token];
  const code = slowly
    ? `import time\nfor n in range(${LINES}):\n    print("${token}", n, flush=True)\n    time.sleep(0.1)`
    : `print("${token}")`;
  return { token, expected: `${lines.join('\n')}\n`, program: { code, metadata: { load: RUN, token } } };
}

/** The same job is sent again with its key, now and then: it must stay one. */
export const isSentTwice = () => exec.vu.iterationInInstance % 5 === 0;
