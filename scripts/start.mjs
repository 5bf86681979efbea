/**
 * `npm start` straight after a clone: installs and builds what is missing or older than its sources, then starts the
 * platform. Plain JavaScript with nothing but Node, as nothing else may be there yet.
 */
import { buildWhatIsStale } from './setup.mjs';

try {
  await buildWhatIsStale({ say: (text) => console.log(text) });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const envFiles = process.argv.slice(2).filter((argument) => argument.startsWith('--env-file'));
for (const argument of envFiles) process.loadEnvFile(argument.split('=')[1] ?? '.env');
await import('../services/standalone/dist/main.js');
