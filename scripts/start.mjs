/**
 * `npm start` straight after a clone: installs and builds what is missing or older than its sources, then starts the
 * platform. Plain JavaScript with nothing but Node, as nothing else may be there yet.
 */
import { parseArgs } from 'node:util';
import { buildWhatIsStale } from './setup.mjs';

try {
  await buildWhatIsStale({ say: (text) => console.log(text) });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const { values } = parseArgs({
  options: { 'env-file': { type: 'string', multiple: true }, json: { type: 'boolean' } },
});
for (const file of values['env-file'] ?? []) process.loadEnvFile(file);
await import('../services/standalone/dist/main.js');
