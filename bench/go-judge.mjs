/** A running go-judge (https://github.com/criyle/go-judge) as a peer: the same program, over its REST API. */
import { asker } from './client.mjs';
import { GREETING, HELLO, PYTHON } from './measure.mjs';

export function connectGoJudge(url) {
  const body = JSON.stringify({
    cmd: [
      {
        args: [PYTHON, 'main.py'],
        env: ['PATH=/usr/bin:/bin'],
        files: [{ content: '' }, { name: 'stdout', max: 10240 }, { name: 'stderr', max: 10240 }],
        cpuLimit: 10_000_000_000,
        clockLimit: 10_000_000_000,
        memoryLimit: 256 * 1024 * 1024,
        procLimit: 64,
        copyIn: { 'main.py': { content: HELLO } },
      },
    ],
  });
  const { hostname, port } = new URL(url);
  const { post, close } = asker(hostname, port);
  return {
    close,
    async run() {
      const [result] = await post('/run', body);
      if (result?.files?.stdout !== GREETING) throw new Error(`go-judge: ${JSON.stringify(result)}`);
    },
  };
}
