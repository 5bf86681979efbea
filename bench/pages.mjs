/** The playground in a real browser: what a first visit takes, and how soon a program's output is on the page. */
import { chromium } from 'playwright-core';
import { findServer } from '../packages/core/dist/testing/index.js';
import { connect } from './client.mjs';
import { percentiles, rateOf, timed, WARM_UP_JOBS } from './measure.mjs';
import { startPlatform } from './platform.mjs';

/** What is to hold. */
const FIRST_VISIT_BYTES = 300_000;
const INTERACTIVE_MS = 1_000;
const FIRST_OUTPUT_MS = 100;
const RUNS_A_VISIT = 3;

/** Undefined where no browser is. */
export async function measurePages(dataFolder, rounds) {
  const found = findServer('chromium');
  if ('missing' in found) return undefined;
  const platform = await startPlatform(dataFolder);
  const client = connect(platform.httpPort);
  const browser = await chromium.launch({ executablePath: found.path });
  try {
    await rateOf(WARM_UP_JOBS, 8, client.endToEnd);
    const visits = [];
    for (let n = 0; n < rounds; n += 1) visits.push(await visit(browser, `http://127.0.0.1:${platform.httpPort}/`));
    const job = [];
    for (let n = 0; n < rounds; n += 1) job.push(await timed(client.endToEnd));
    return {
      visits: rounds,
      bytes: Math.max(...visits.map(({ bytes }) => bytes)),
      interactive: percentiles(visits.map(({ interactiveMs }) => interactiveMs)),
      firstOutput: percentiles(visits.flatMap(({ firstOutputMs }) => firstOutputMs)),
      job: percentiles(job),
    };
  } finally {
    await browser.close();
    client.close();
    await platform.stop();
  }
}

/** In a profile of its own, so that nothing is there from the visit before. */
async function visit(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 800 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  let bytes = 0;
  await session.send('Network.enable');
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  const interactiveMs = await timed(async () => {
    await page.goto(url);
    await page.waitForSelector('.cm-content');
  });
  await page.waitForLoadState('networkidle');
  const firstOutputMs = [];
  for (let run = 0; run < RUNS_A_VISIT; run += 1) {
    // It is called otherwise while a program runs.
    await page.getByRole('button', { name: 'Run', exact: true }).waitFor();
    firstOutputMs.push(await page.evaluate(untilFirstOutput));
  }
  await context.close();
  return { bytes, interactiveMs, firstOutputMs };
}

/** Runs on the page, by its clock: from the click on Run to the first text of the output. */
function untilFirstOutput() {
  return new Promise((resolve) => {
    const [button] = [...document.querySelectorAll('button')].filter((each) => each.textContent.trim() === 'Run');
    const startMs = performance.now();
    let emptied = false;
    button.click();
    (function look() {
      const text = document.querySelector('.output')?.textContent ?? '';
      emptied ||= text === '';
      if (emptied && text !== '') resolve(performance.now() - startMs);
      else setTimeout(look, 1);
    })();
  });
}

export function printPages(results) {
  if (!results) return console.log('no chromium here, so not measured');
  const { visits, bytes, interactive, firstOutput, job } = results;
  const ms = ({ p50Ms, p95Ms }) => `p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms`;
  const verdict = (value, most) => (value <= most ? 'met' : 'MISSED');
  console.log(`\nthe playground, ${visits} first visits`);
  console.log(
    `transferred           ${bytes} bytes   (at most ${FIRST_VISIT_BYTES}: ${verdict(bytes, FIRST_VISIT_BYTES)})`,
  );
  console.log(
    `until one can type    ${ms(interactive)}   (at most ${INTERACTIVE_MS} ms: ${verdict(interactive.p95Ms, INTERACTIVE_MS)})`,
  );
  console.log(
    `Run to first output   ${ms(firstOutput)}   (at most ${FIRST_OUTPUT_MS} ms: ${verdict(firstOutput.p95Ms, FIRST_OUTPUT_MS)})`,
  );
  console.log(
    `a job without a page  ${ms(job)}   (${(firstOutput.p50Ms / job.p50Ms).toFixed(1)} × of it is on the page)`,
  );
}
