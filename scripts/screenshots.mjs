/**
 * `node scripts/screenshots.mjs`: the pictures of docs/images, taken of the real page on a platform of its own. Needs Debian's
 * chromium.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { buildWhatIsStale, root } from './setup.mjs';

await buildWhatIsStale({ say: console.log });
const { startEmbedded } = await import('../tests/dist/system/platforms.js');
const { openPage, startBrowser } = await import('../tests/dist/system/browser.js');

const STREAM = `import sys, time

for step in range(1, 6):
    print(f"step {step} of 5")
    if step == 3:
        print("that took a while", file=sys.stderr)
    time.sleep(0.2)
`;
const LIVE = `name = input("Who is there? ")
print(f"Hello, {name}!")
age = int(input("How old are you? "))
print(f"{name} will be 100 in {100 - age} years.")
`;
const linkTo = (program) => `/#p=1.${deflateRawSync(JSON.stringify(program)).toString('base64url')}`;
const python = (code, more = {}) => linkTo({ l: 'python', f: [['main.py', code]], ...more });
const ended = (page) => page.waitForSelector('.verdict.good, .verdict.bad');

const PICTURES = [
  {
    name: 'playground',
    async show(page) {
      await page.getByLabel('Example').selectOption('picture');
      await page.keyboard.press('Control+Enter');
      await page.waitForFunction(() => document.querySelector('.produced img')?.naturalWidth > 0);
    },
  },
  {
    name: 'playground-stream',
    path: python(STREAM),
    async show(page) {
      await page.keyboard.press('Control+Enter');
      await page.getByText('that took a while').waitFor();
      await ended(page);
    },
  },
  {
    name: 'playground-live',
    path: python(LIVE, { t: 'live' }),
    async show(page) {
      await page.keyboard.press('Control+Enter');
      for (const answer of ['Ada', '36']) {
        await page.getByLabel('Type to the program').fill(answer);
        if (answer === 'Ada') await page.keyboard.press('Enter');
        await page.getByText('How old are you?').last().waitFor();
      }
    },
  },
  {
    name: 'playground-terminal',
    colorScheme: 'dark',
    path: linkTo({ l: 'bash', f: [['main.sh', 'exec bash --norc --noprofile -i']], t: 'terminal' }),
    async show(page) {
      await page.keyboard.press('Control+Enter');
      await page.waitForFunction(() => document.querySelector('.xterm-rows')?.textContent.includes('$'));
      await page.keyboard.type('uname -s; tty; id -u\n');
      await page.waitForFunction(() => document.querySelector('.xterm-rows')?.textContent.includes('/dev/pts/0'));
    },
  },
  {
    name: 'playground-phone',
    colorScheme: 'dark',
    viewport: { width: 360, height: 720 },
    path: python(STREAM),
    async show(page) {
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await ended(page);
    },
  },
];

const folder = await mkdtemp(join(tmpdir(), 'runlane-screenshots-'));
const platform = await startEmbedded(folder);
const browser = await startBrowser();
try {
  for (const { name, path = '/', show, ...options } of PICTURES) {
    const context = { viewport: { width: 1200, height: 750 }, reducedMotion: 'reduce', ...options };
    const { page } = await openPage(browser, `${platform.baseUrl}${path}`, context);
    await page.waitForSelector('.cm-content');
    await page
      .getByRole('button', { name: 'Dismiss' })
      .click({ timeout: 1_000 })
      .catch(() => undefined);
    await show(page);
    await page.screenshot({ path: `${root}/docs/images/${name}.png` });
    await page.context().close();
    console.log(`docs/images/${name}.png`);
  }
} finally {
  await browser.close();
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
}
