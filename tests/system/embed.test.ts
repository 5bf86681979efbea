/// <reference lib="dom" />
/** `<run-code>` on a page of another site, in a real browser. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { skipWithout } from '@runlane/core/testing';
import type { Browser, Page } from 'playwright-core';
import { accessibilityProblems, assertWellBehaved, openPage, startBrowser } from './browser.js';
import { type Platform, startEmbedded, temporaryFolder } from './platforms.js';

describe('code on other pages', { skip: skipWithout('chromium') }, () => {
  let folder: string;
  let platform: Platform;
  let browser: Browser;
  let docs: Server;
  let port: number;
  before(async () => {
    docs = createServer((request, response) => {
      const body = new URL(request.url ?? '/', 'http://localhost').searchParams.get('body');
      const script = `<script src="${platform.baseUrl}/embed/run-code.js" defer></script>`;
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
      response.end(`<!doctype html><html lang="en"><title>Docs</title>${script}<main><h1>Docs</h1>${body}</main>`);
    });
    docs.listen(0, '127.0.0.1');
    await once(docs, 'listening');
    ({ port } = docs.address() as AddressInfo);
    folder = await temporaryFolder();
    // By name it is another site than the server's, which is known by its address.
    platform = await startEmbedded(folder, { EMBED_ORIGINS: `http://localhost:${port}` });
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await platform?.stop();
    docs?.close();
    docs?.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (body: string, site = 'localhost') =>
    openPage(browser, `http://${site}:${port}/?body=${encodeURIComponent(body)}`, { allow: [platform.baseUrl] });
  const output = (page: Page) => page.locator('run-code .output');
  const status = (page: Page, text: string) =>
    page.locator('run-code [role=status]').filter({ hasText: text }).waitFor();

  test('a block of code runs where it stands, with its output told apart', async () => {
    const { page, ...rest } = await open(
      '<run-code language="python" stdin="Ada"><pre><code>import sys\nprint("Hello,", input(), 1 &lt; 2)\nprint("oops", file=sys.stderr)</code></pre></run-code>',
    );
    await page.getByRole('button', { name: 'Run' }).click();
    await status(page, 'Finished · Exit code 0');
    assert.equal(await output(page).textContent(), 'Hello, Ada True\noops\n');
    assert.equal(await page.locator('run-code .stderr').textContent(), 'oops\n');
    assert.deepEqual(await accessibilityProblems(page), []);
    await assertWellBehaved({ page, ...rest });
  });

  test('a reader changes the code, runs it by keyboard and cancels it', async () => {
    const { page, ...rest } = await open('<run-code editable><pre><code>print(1)</code></pre></run-code>');
    await page.getByRole('textbox').fill('print("changed", flush=True)\nimport time\ntime.sleep(60)');
    await page.keyboard.press('Control+Enter');
    await output(page).filter({ hasText: 'changed' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await status(page, 'Cancelled');
    await assertWellBehaved({ page, ...rest });
  });

  test('what a program prints is text on that page too, and what the server refuses is said', async () => {
    const { page, ...rest } = await open(
      '<run-code><pre><code>print("&lt;img src=x onerror=window.hacked=1&gt;")</code></pre></run-code>',
    );
    await page.getByRole('button', { name: 'Run' }).click();
    await status(page, 'Finished');
    assert.equal(await output(page).textContent(), '<img src=x onerror=window.hacked=1>\n');
    await page.evaluate(() => document.querySelector('run-code')?.setAttribute('language', 'klingon'));
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('run-code [role=alert]').filter({ hasText: 'klingon' }).waitFor();
    await assertWellBehaved({ page, ...rest });
  });

  test('a page that is not listed runs nothing, and says what may be the matter', async () => {
    const { page } = await open('<run-code><pre><code>print(1)</code></pre></run-code>', '127.0.0.1');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('run-code [role=alert]').filter({ hasText: 'EMBED_ORIGINS' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Run' }).waitFor();
    await page.context().close();
  });

  test('the server has a page that shows it', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, ...rest } = await openPage(browser, `${platform.baseUrl}/embed`, { colorScheme });
      await page.getByRole('button', { name: 'Run' }).click();
      await status(page, 'Finished');
      assert.match((await output(page).textContent()) ?? '', /5 squared is 25/);
      assert.ok(await page.getByText(`${platform.baseUrl}/embed/run-code.js`).isVisible());
      const heights = await page
        .locator('th code')
        .evaluateAll((names) => names.map((name) => name.getClientRects().length));
      assert.ok(heights.length > 0 && heights.every((lines) => lines === 1), `lines of the attributes: ${heights}`);
      assert.deepEqual(await accessibilityProblems(page), []);
      await assertWellBehaved({ page, ...rest });
    }
  });
});
