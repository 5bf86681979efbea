/**
 * Builds the pages into dist/site: with hashed names, and each file also compressed, so that serving them costs nothing. The
 * script of `<run-code>` is one file under a name that never changes, as other pages name it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const outDir = `${root}dist/site`;
const common = {
  root,
  configFile: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
};

await build({
  ...common,
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    // A data: address in a style sheet would need an exception in the policy of the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: ['index', 'embed', 'admin'].map((page) => `${root}${page}.html`),
    },
  },
});
await build({
  ...common,
  publicDir: false,
  build: {
    outDir: `${outDir}/embed`,
    emptyOutDir: true,
    target: 'es2022',
    lib: { entry: `${root}src/embed/run-code.ts`, formats: ['iife'], name: 'runlane', fileName: () => 'run-code.js' },
  },
});

for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(html|js|css|svg)$/.test(entry.name)) continue;
  const path = `${entry.parentPath}/${entry.name}`;
  const bytes = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  );
}
