/** The dashboard, the alert rules and the documentation name nothing that no service tells, and each service tells what it did. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@runlane/client';
import { findServer, skipWithout } from '@runlane/core/testing';
import { parse } from 'yaml';
import { ROOT } from './own-runner.js';
import { type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const FOLDER = join(ROOT, 'deploy/observability');

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

/** What is asked for, by who asks. */
async function expressions(): Promise<[who: string, expression: string][]> {
  const dashboard: Dashboard = JSON.parse(await readFile(join(FOLDER, 'grafana-dashboard.json'), 'utf8'));
  const { groups }: Rules = parse(await readFile(join(FOLDER, 'alerts.yml'), 'utf8'));
  return [
    ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as [string, string])),
    ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr] as [string, string])),
  ];
}

const namesIn = (expression: string) => expression.match(/\b(?:runlane|process)_[a-z_]+/g) ?? [];

/** Without what a histogram adds to its name. */
const familyOf = (name: string) => name.replace(/_(?:bucket|sum|count)$/, '');

/** The rows of the table of metrics, by name. */
async function documented(): Promise<Map<string, { readonly of: string; readonly labels: readonly string[] }>> {
  const page = await readFile(join(ROOT, 'docs/observability.md'), 'utf8');
  const rows = page.matchAll(/^\| `(runlane_\w+)` \| (\w+) \| ([^|]*)\|/gm);
  return new Map(
    [...rows].map(([, name = '', of = '', labels = '']) => [
      name,
      { of, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
    ]),
  );
}

const namesTold = (text: string) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);

/** Labels as they occur, but for those of the form of histograms. */
function labelsTold(text: string): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  for (const [, name = '', pairs = ''] of text.matchAll(/^(runlane_\w+)\{([^}]*)\} /gm)) {
    const seen = labels.get(familyOf(name)) ?? new Set();
    for (const [, label = ''] of pairs.matchAll(/(\w+)="/g)) if (label !== 'le') seen.add(label);
    labels.set(familyOf(name), seen);
  }
  return labels;
}

/** What Prometheus' own tool says of rules, or of metrics on its standard input. */
function promtool(args: readonly string[], input = ''): { readonly ok: boolean; readonly said: string } {
  const found = findServer('promtool');
  assert.ok('path' in found);
  const { status, stdout, stderr } = spawnSync(found.path, args, { input, encoding: 'utf8' });
  return { ok: status === 0, said: stdout + stderr };
}

describe('what the services tell', () => {
  let folder: string;
  let platform: Platform;
  let command = '';
  let worker = '';
  let jobIds: readonly string[];

  before(async () => {
    folder = await temporaryFolder();
    platform = await startEmbedded(folder, { WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}` });
    const client = createClient({ server: platform.baseUrl });
    const judged = { code: 'print(input())', cases: [{ stdin: '1', expectedStdout: '1' }] };
    const ended = [await client.execute({ code: 'print(1)' }), await client.execute(judged)];
    jobIds = ended.map(({ id }) => id);
    const metricsOf = async (url = '') => (await fetch(`${url}/metrics`)).text();
    [command, worker] = [await metricsOf(platform.baseUrl), await metricsOf(platform.workerUrls[0])];
  });
  after(async () => {
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('is all that the dashboard and the alerts ask for', async () => {
    const told = new Set([...namesTold(command), ...namesTold(worker)]);
    const asked = await expressions();
    assert.ok(asked.length > 25);
    const unknown = asked.flatMap(([who, expression]) =>
      namesIn(expression)
        .filter((name) => !told.has(familyOf(name)))
        .map((name) => `${who}: ${name}`),
    );
    assert.deepEqual(unknown, []);
    // And those that do not ask at all would pass as well.
    for (const [who, expression] of asked) assert.ok(namesIn(expression).length > 0, who);
    assert.ok(!told.has('runlane_of_nobody'));
  });

  test('is what the documentation says, name by name and label by label', async () => {
    const rows = await documented();
    const namesOf = (...of: string[]) => [...rows].filter(([, row]) => of.includes(row.of)).map(([name]) => name);
    const ours = (text: string) => namesTold(text).filter((name) => name.startsWith('runlane_'));
    assert.deepEqual(ours(command).toSorted(), namesOf('command', 'both').toSorted());
    assert.deepEqual(ours(worker).toSorted(), namesOf('worker', 'both').toSorted());
    const told = [...labelsTold(command), ...labelsTold(worker)];
    assert.ok(told.length > 10);
    for (const [name, labels] of told)
      assert.deepEqual([...labels].toSorted(), rows.get(name)?.labels.toSorted(), name);
  });

  test('counts what was done: a run, its sandbox, how long it waited, and the verdict of a case', () => {
    const figure = (series: string) =>
      Number(new RegExp(`^${series.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(worker)?.[1]);
    assert.equal(figure('runlane_jobs_ended_total{language="python",status="succeeded"}'), 2);
    assert.equal(figure('runlane_case_verdicts_total{language="python",verdict="accepted"}'), 1);
    assert.ok(figure('runlane_sandbox_start_seconds_count{language="python"}') >= 2);
    for (const stage of ['save', 'exec']) assert.equal(figure(`runlane_queue_wait_seconds_count{stage="${stage}"}`), 2);
    assert.equal(figure('runlane_queue_age_seconds{stage="exec"}'), 0);
    assert.equal(figure('runlane_runners'), 1);
  });

  test('names no job: series are as many as there are routes, languages and outcomes', () => {
    const texts = command + worker;
    for (const id of jobIds) assert.ok(!texts.includes(id));
    assert.doesNotMatch(texts, /[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test('is well-formed for Prometheus, as are the rules', { skip: skipWithout('promtool') }, async () => {
    const rules = promtool(['check', 'rules', join(FOLDER, 'alerts.yml')]);
    assert.ok(rules.ok, rules.said);
    for (const text of [command, worker]) {
      const { said } = promtool(['check', 'metrics'], text);
      // What Node's own say of their names is not ours to mend.
      assert.deepEqual(
        said.split('\n').filter((line) => line.startsWith('runlane_') || line.includes('error')),
        [],
      );
    }
    // Control: it sees an expression that is none, and a name that is not as it should be.
    const broken = join(folder, '..', `${basename(folder)}-broken.yml`);
    await writeFile(broken, 'groups: [{ name: a, rules: [{ alert: b, expr: "sum(" }] }]');
    assert.equal(promtool(['check', 'rules', broken]).ok, false);
    await rm(broken);
    assert.match(promtool(['check', 'metrics'], '# TYPE runlane_bad counter\nrunlane_bad 1\n').said, /^runlane_bad /m);
  });
});
