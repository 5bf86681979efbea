/** `npm run dev`: builds on every change and starts the platform anew when the build is clean. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { buildWhatIsStale, root } from './setup.mjs';

await buildWhatIsStale({ say: console.log });
const tsc = spawn(`${root}/node_modules/.bin/tsc`, ['--build', '--watch', '--preserveWatchOutput'], { cwd: root });
let platform;
let restarting = Promise.resolve();

async function restart() {
  if (platform && platform.exitCode === null) {
    platform.kill('SIGTERM');
    await once(platform, 'exit');
  }
  const args = ['services/standalone/dist/main.js', ...process.argv.slice(2)];
  platform = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { LOG_LEVEL: 'info', ...process.env } });
}

createInterface({ input: tsc.stdout }).on('line', (line) => {
  console.log(line);
  if (line.includes('Found 0 errors')) restarting = restarting.then(restart);
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    tsc.kill();
    await restarting;
    if (platform && platform.exitCode === null) {
      platform.kill('SIGTERM');
      await once(platform, 'exit');
    }
    process.exit(0);
  });
}
