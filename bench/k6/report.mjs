/** What came of a load, for people. */

export function printLoad({ scenario, seconds, passed, reasons, afterwards, ...figures }) {
  const { accepted, refused, notSent, endToEndMs } = figures;
  const ms = (value) => `${value.toFixed(0)} ms`;
  console.log(`\n${scenario}: ${accepted} jobs accepted in ${seconds} s, ${(accepted / seconds).toFixed(1)} a second`);
  if (endToEndMs) {
    const { p50, p95, p99, most } = endToEndMs;
    console.log(`end to end            p50 ${ms(p50)}   p95 ${ms(p95)}   p99 ${ms(p99)}   at most ${ms(most)}`);
  }
  const statuses = Object.entries(afterwards.statuses).map(([status, count]) => `${count} ${status}`);
  console.log(`how they ended        ${statuses.join(', ') || 'none did'}`);
  if (refused > 0) console.log(`refused (503, 4xx)    ${refused}`);
  if (notSent > 0) console.log(`not sent              ${notSent}: too many waited already`);
  line('lost', figures.lost, afterwards.lost.length);
  line('there twice', figures.doubled, afterwards.doubled.length);
  line('5xx but 503', figures.failures);
  for (const [kind, counts] of Object.entries(reasons))
    for (const [reason, count] of Object.entries(counts)) console.log(`  ${kind}, ${count} ×: ${reason}`);
  for (const kind of ['lost', 'doubled'])
    for (const reason of afterwards[kind].slice(0, 10)) console.log(`  ${kind}, seen afterwards: ${reason}`);
  console.log(passed ? 'passed' : 'FAILED');
}

function line(name, duringLoad, afterwards = 0) {
  const all = duringLoad + afterwards;
  console.log(
    `${name.padEnd(22)}${duringLoad} seen by k6, ${afterwards} afterwards   (target 0: ${all === 0 ? 'met' : 'MISSED'})`,
  );
}
