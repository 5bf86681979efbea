/** The figures for people: each with what it should be at least, and what it aims at. */

/** Ratios to bare Python; [at least, aim]. Lower is better for times, higher for rates. */
const TARGETS = {
  jail: [0.5, 0.2],
  endToEnd: [0.75, 0.45],
  rate: [1.25, 2],
  redisRate: [1, 1.5],
  docker: [0.15, 0.05],
};
const PRINT_MS = 50;
/** Memory may grow by this factor and these MiB. */
const GROWTH = 1.5;
const GROWTH_MIB = 50;

export function print({ jail, numpy, endToEnd, stream, rates, redis, docker, peer, submitOnly, memory, memoryJobs }) {
  line('bare python3 hello.py', endToEnd.bare);
  line('the jail alone', jail, `${ratio(jail)} bare ${lower(jail.ratio, TARGETS.jail)}`);
  if (numpy) {
    const { preloadedMs, importedMs } = numpy;
    console.log(
      `import numpy in a run     p50${preloadedMs.toFixed(2).padStart(6)} ms when imported beforehand, else ${importedMs.toFixed(0)} ms`,
    );
  }
  line('one job, end to end', endToEnd, `${ratio(endToEnd)} bare ${lower(endToEnd.ratio, TARGETS.endToEnd)}`);
  line('from print to a watcher', stream, `(at most ${PRINT_MS} ms: ${stream.p99Ms <= PRINT_MS ? 'met' : 'MISSED'})`);
  if (docker) {
    line('docker run --rm', docker.bare);
    line('a container that waits', docker, `${ratio(docker)} docker run ${lower(docker.ratio, TARGETS.docker)}`);
  } else console.log('containers: no Docker engine here, so not measured');

  console.log('\njobs per second, beside bare python on every processor');
  for (const rate of rates) rateLine('embedded', rate, rate.clients === 8 ? TARGETS.rate : undefined);
  for (const rate of redis ?? []) rateLine('queues in Redis', rate, TARGETS.redisRate);
  if (!redis) console.log('queues in Redis: no redis-server here, so not measured');
  for (const rate of peer || []) {
    const own = rates.find(({ clients }) => clients === rate.clients);
    rateLine('go-judge', rate);
    console.log(`${' '.repeat(26)}Runlane has ${(own.ratio / rate.ratio).toFixed(2)} × its rate`);
  }
  const { perSecond, thenEndedPerSecond } = submitOnly;
  console.log(
    `submitted only            ${whole(perSecond)} /s, which then ended at ${thenEndedPerSecond.toFixed(0)}/s`,
  );

  console.log(`\nresident memory      idle   after ${memoryJobs} jobs`);
  for (const { name, idleMiB, afterMiB } of memory) {
    const flat = afterMiB <= GROWTH * idleMiB + GROWTH_MIB ? 'flat' : 'MISSED: it grows';
    console.log(`${name.padEnd(16)} ${whole(idleMiB)} MiB ${whole(afterMiB)} MiB   ${flat}`);
  }
  console.log(`a sandbox that is ready has ${jail.slotMiB.toFixed(1)} MiB to itself`);
}

function line(name, { p50Ms, p95Ms, p99Ms }, more = '') {
  const ms = (value) => `${value.toFixed(1)} ms`.padStart(9);
  console.log(`${name.padEnd(26)}p50${ms(p50Ms)}   p95${ms(p95Ms)}   p99${ms(p99Ms)}   ${more}`.trimEnd());
}

function rateLine(name, { clients, perSecond, p50Ms, p99Ms, barePerSecond, ratio: times }, targets) {
  const verdict = targets ? higher(times, targets) : '';
  console.log(
    `${name.padEnd(16)}${String(clients).padStart(3)} clients${whole(perSecond)} /s   p50${p50Ms.toFixed(0).padStart(5)} ms   p99${p99Ms.toFixed(0).padStart(5)} ms   ${times.toFixed(2)} × bare (${barePerSecond.toFixed(0)}/s) ${verdict}`.trimEnd(),
  );
}

const whole = (value) => value.toFixed(0).padStart(5);
const ratio = ({ ratio: value }) => `${value.toFixed(2)} ×`;
const lower = (value, [most, aim]) =>
  `(at most ${most}: ${value <= most ? 'met' : 'MISSED'}; aim ${aim}: ${value <= aim ? 'met' : 'not yet'})`;
const higher = (value, [least, aim]) =>
  `(at least ${least}: ${value >= least ? 'met' : 'MISSED'}; aim ${aim}: ${value >= aim ? 'met' : 'not yet'})`;
