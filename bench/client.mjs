/** A client of the platform's REST door that costs as little as can be: it shares the machine with what it measures. */
import { Agent, request } from 'node:http';
import { GREETING, HELLO, percentiles } from './measure.mjs';

/** A function that asks one server, over connections that are kept. */
export function asker(hostname, port) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  function ask(method, path, headers, body) {
    return new Promise((resolve, reject) => {
      const sent = request({ hostname, port, path, method, agent, headers }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode >= 300) reject(new Error(`${response.statusCode}: ${text}`));
          else resolve(JSON.parse(text));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
  const post = (path, body, headers) =>
    ask(
      'POST',
      path,
      { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers },
      body,
    );
  return { get: (path) => ask('GET', path, {}), post, close: () => agent.destroy() };
}

export function connect(port) {
  const { get, post, close } = asker('127.0.0.1', port);

  const submit = (code = HELLO, headers = {}) => post('/v1/jobs', JSON.stringify({ code }), headers);

  return {
    submit,

    /** A job from request to result, in one request. */
    async endToEnd() {
      const { result } = await submit(HELLO, { Prefer: 'wait=60' });
      if (result?.stdout !== GREETING) throw new Error(`a job ended wrong: ${JSON.stringify(result)}`);
    },

    /** How long after a print each line is at a client that watches: same clock, as it is one machine. */
    async streaming(lines) {
      const code = `import time\nfor _ in range(${lines}):\n    print(time.time())\n    time.sleep(0.05)`;
      const { id } = await submit(code);
      const response = await fetch(`http://127.0.0.1:${port}/v1/jobs/${id}/events`);
      const delays = [];
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        const nowMs = performance.timeOrigin + performance.now();
        for (const [, printed] of chunk.matchAll(/"text":"(\d+\.\d+)\\n"/g))
          delays.push(nowMs - Number(printed) * 1_000);
      }
      if (delays.length < lines) throw new Error(`only ${delays.length} of ${lines} prints arrived one by one`);
      return percentiles(delays);
    },

    /** Wait until every job has ended; jobs per second from now on. */
    async drain(ids) {
      const startMs = performance.now();
      const left = new Set(ids);
      while (left.size > 0) {
        for (const id of [...left].slice(0, 100)) {
          const { status } = await get(`/v1/jobs/${id}`);
          if (status === 'succeeded') left.delete(id);
          else if (!['accepted', 'saving', 'queued', 'running'].includes(status))
            throw new Error(`a job ended ${status}`);
          else break;
        }
      }
      return (ids.length / (performance.now() - startMs)) * 1_000;
    },

    close,
  };
}
