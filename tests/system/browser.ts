/** A real browser for tests of pages, and what no page of ours may ever do in it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { findServer } from '@runlane/core/testing';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export async function startBrowser(): Promise<Browser> {
  const found = findServer('chromium');
  if ('missing' in found) throw new Error(found.missing);
  return chromium.launch({ executablePath: found.path });
}

/** A page, and a list of what it did that it must not. */
export interface WatchedPage {
  readonly page: Page;
  /** Dialogs, errors, violations of its policy, requests to other origins. */
  readonly misdeeds: string[];
}

/** A page in a profile of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions & { readonly allow?: readonly string[] } = {},
): Promise<WatchedPage> {
  const { allow = [], ...context } = options;
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context })).newPage();
  const misdeeds: string[] = [];
  const own = [new URL(url).origin, ...allow];
  page.on('dialog', (dialog) => {
    misdeeds.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => misdeeds.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/content security policy|trusted/i.test(message.text())) misdeeds.push(`policy: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && !own.includes(origin)) misdeeds.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, misdeeds };
}

/** What axe finds wrong for people who do not see, hear or point as others do. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(`axe.run(document, { resultTypes: ['violations'] })`);
  const { violations } = found as { violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] };
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

export async function assertWellBehaved({ page, misdeeds }: WatchedPage): Promise<void> {
  assert.deepEqual(misdeeds, []);
  assert.equal(await page.evaluate('window.hacked'), undefined);
  await page.context().close();
}
