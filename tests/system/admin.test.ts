/// <reference lib="dom" />
/** The status page in a real browser: what it tells, to whom, and what it says when there is nothing to tell. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@runlane/client';
import { skipWithout } from '@runlane/core/testing';
import type { Browser } from 'playwright-core';
import { accessibilityProblems, assertWellBehaved, openPage, startBrowser } from './browser.js';
import { ADMIN_KEY, type Platform, startEmbedded, temporaryFolder } from './platforms.js';

describe('the status page', { skip: skipWithout('chromium') }, () => {
  let folder: string;
  let platform: Platform;
  let browser: Browser;
  before(async () => {
    folder = await temporaryFolder();
    platform = await startEmbedded(folder, { AUTH: 'keys', ADMIN_KEY });
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await platform?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const httpCredentials = { username: 'anybody', password: ADMIN_KEY };

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`it tells what waits, who works, and what keeps programs apart, in ${colorScheme} colours`, async () => {
      const client = createClient({ server: platform.baseUrl, apiKey: ADMIN_KEY });
      for (const code of ['print(1)', '1 / 0']) await client.execute({ code });
      const opened = await openPage(browser, `${platform.baseUrl}/admin`, { httpCredentials, colorScheme });
      const { page } = opened;
      const figure = (name: string) => page.locator('.numbers div').filter({ hasText: name }).locator('dd');
      await page.getByText('In code-exec').waitFor();
      assert.equal(await figure('In code-exec').textContent(), '0');
      assert.equal(await figure('Runners').textContent(), '1');
      assert.match((await figure('Slots in use').textContent()) ?? '', /^\d+ of \d+$/);
      const tiles = await page.locator('.numbers > div').evaluateAll((all) =>
        all.map((tile) => {
          const { top, width, height } = tile.getBoundingClientRect();
          const label = tile.querySelector('dt');
          const isCut = label ? label.scrollWidth > label.clientWidth : true;
          return [top, width, height].map(Math.round).join(' ') + (isCut ? ' and its label is cut off' : '');
        }),
      );
      assert.equal(tiles.length, 7);
      assert.equal(new Set(tiles).size, 1, tiles.join(', '));
      await page.locator('.chips').getByText('failed').waitFor();
      await page.locator('summary').click();
      await page.getByRole('cell', { name: 'yes' }).first().waitFor();
      await page.getByText('now, at most').waitFor();
      assert.deepEqual(await accessibilityProblems(page), []);
      await assertWellBehaved(opened);
    });
  }

  test('it fits on a phone', async () => {
    const opened = await openPage(browser, `${platform.baseUrl}/admin`, {
      httpCredentials,
      viewport: { width: 360, height: 640 },
    });
    await opened.page.getByText('In code-exec').waitFor();
    const overhang = await opened.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overhang <= 0, `${overhang} px too wide`);
    await assertWellBehaved(opened);
  });

  test('whoever has no key with the scope "admin" sees nothing of it', async () => {
    const admin = createClient({ server: platform.baseUrl, apiKey: ADMIN_KEY });
    const { key } = await admin.createKey({ name: 'no admin' });
    for (const path of ['/admin', '/admin/status', '/admin/', '/ADMIN/status']) {
      for (const [headers, status] of [
        [{}, 401],
        [{ Authorization: `Bearer ${key}` }, 403],
      ] as const) {
        const response = await fetch(`${platform.baseUrl}${path}`, { headers });
        assert.equal(response.status, status, path);
      }
    }
  });
});

test('it says so when the server goes away, and tells on when it is back', {
  skip: skipWithout('chromium'),
}, async () => {
  const folder = await temporaryFolder();
  const platform = await startEmbedded(folder);
  const browser = await startBrowser();
  try {
    const { page } = await openPage(browser, `${platform.baseUrl}/admin`);
    await page.getByText('In code-exec').waitFor();
    await page.context().setOffline(true);
    await page.getByText('the server does not answer').waitFor();
    await page.context().setOffline(false);
    await page.getByText('the server does not answer').waitFor({ state: 'detached' });
  } finally {
    await browser.close();
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
