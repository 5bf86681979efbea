/** A thousand who watch the same job on one command process: what each of them costs, and whether each of them is told everything. */
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { WebSocket } from 'ws';
import { connect } from './client.mjs';
import { mib, rateOf, WARM_UP_JOBS } from './measure.mjs';
import { residentBytes, startPlatform } from './platform.mjs';

const LINES = 200;
/** It prints when it is told to: everybody watches by then. */
const PROGRAM = `input()\nfor n in range(${LINES}):\n    print(n, flush=True)`;
const EXPECTED = Array.from({ length: LINES }, (_, n) => `${n}\n`).join('');
const COMMAND = 'command + worker';

export async function measureWatchers(dataFolder, watchers, say) {
  const platform = await startPlatform(dataFolder);
  const client = connect(platform.httpPort);
  try {
    await rateOf(WARM_UP_JOBS, 8, client.endToEnd);
    const { id, attachment } = await startTalker(platform.httpPort);
    const before = residentBytes(platform.pid)[COMMAND];
    say(`${watchers} watchers …`);
    const agent = new Agent({ maxSockets: watchers });
    const all = Array.from({ length: watchers }, () => watch(platform.httpPort, agent, id));
    await Promise.all(all.map(({ running }) => running));
    const after = residentBytes(platform.pid)[COMMAND];
    const startMs = performance.now();
    attachment.send('{"type":"stdin","data":"go\\n"}');
    const texts = await Promise.all(all.map(({ text }) => text));
    const tookMs = performance.now() - startMs;
    agent.destroy();
    const whole = texts.filter((text) => text === EXPECTED).length;
    return {
      watchers,
      lines: LINES,
      whole,
      linesPerSecond: (watchers * LINES) / (tookMs / 1_000),
      kibPerWatcher: (mib(after - before) * 1024) / watchers,
      beforeMiB: mib(before),
      afterMiB: mib(after),
      atWorkMiB: mib(residentBytes(platform.pid)[COMMAND]),
    };
  } finally {
    client.close();
    await platform.stop();
  }
}

async function startTalker(port) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/jobs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code: PROGRAM, interactive: {}, limits: { wallTimeMs: 60_000 } }),
  });
  const { id } = await response.json();
  const attachment = new WebSocket(`ws://127.0.0.1:${port}/v1/jobs/${id}/attach`);
  await once(attachment, 'open');
  return { id, attachment };
}

/** `running` resolves when it is told that the program runs, `text` with all that it was told of its output, in the end. */
function watch(port, agent, id) {
  const running = {};
  running.promise = new Promise((resolve, reject) => Object.assign(running, { resolve, reject }));
  const text = (async () => {
    const [response] = await once(get({ port, agent, path: `/v1/jobs/${id}/events` }), 'response');
    let told = '';
    for await (const chunk of response.setEncoding('utf8')) {
      told += chunk;
      if (told.includes('"running"')) running.resolve();
    }
    return [...told.matchAll(/^event: stdout\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data).text).join('');
  })();
  text.catch(running.reject);
  return { running: running.promise, text };
}

export function printWatchers({
  watchers,
  lines,
  whole,
  linesPerSecond,
  kibPerWatcher,
  beforeMiB,
  afterMiB,
  atWorkMiB,
}) {
  const verdict = whole === watchers ? 'met' : 'MISSED';
  console.log(`\n${whole} of ${watchers} watchers were told all of ${lines} lines: ${verdict}`);
  console.log(`${linesPerSecond.toFixed(0)} lines told a second, by one process`);
  console.log(
    `memory: ${kibPerWatcher.toFixed(1)} KiB each: ${beforeMiB.toFixed(0)} MiB without them, ${afterMiB.toFixed(0)} MiB with them, ${atWorkMiB.toFixed(0)} MiB after all was told`,
  );
}
