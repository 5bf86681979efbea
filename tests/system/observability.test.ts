/** The dashboard and the alert rules ask for nothing that no service tells. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClient } from '@runlane/client';
import { parse } from 'yaml';
import { ROOT } from './own-runner.js';
import { startEmbedded, temporaryFolder } from './platforms.js';

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

test('every figure of the dashboard and of the alerts is one that a service tells', async () => {
  const folder = await temporaryFolder();
  const platform = await startEmbedded(folder, { WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}` });
  try {
    await createClient({ server: platform.baseUrl }).execute({ code: 'print(1)' });
    const urls = [platform.baseUrl, ...platform.workerUrls];
    const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    const told = new Set(
      texts
        .join('\n')
        .match(/^# TYPE \S+/gm)
        ?.map((line) => line.slice('# TYPE '.length)),
    );
    const asked = await expressions();
    assert.ok(asked.length > 15);
    const unknown = asked.flatMap(([who, expression]) =>
      namesIn(expression)
        .filter((name) => !told.has(familyOf(name)))
        .map((name) => `${who}: ${name}`),
    );
    assert.deepEqual(unknown, []);
    // And those that do not ask at all would pass as well.
    for (const [who, expression] of asked) assert.ok(namesIn(expression).length > 0, who);
    assert.ok(!told.has('runlane_of_nobody'));
  } finally {
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
