/**
 * Runs a TypeScript program in Node: `node scripts/tools/run-ts.mjs <file.ts> [arguments]`.
 * The file and what it imports of ours are bundled (packages stay external, `?raw` and `?url` work as in the page) into
 * node_modules/.cache, where packages resolve as usual, and the bundle is imported with the arguments in process.argv.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';

const root = resolve(import.meta.dirname, '../..');
const [file, ...rest] = process.argv.slice(2);

if (!file || !existsSync(file)) {
  console.error(file ? `no file "${file}"` : 'usage: node scripts/tools/run-ts.mjs <file.ts> [arguments]');
  process.exit(2);
}

const cache = join(root, 'node_modules/.cache/run-ts');
mkdirSync(cache, { recursive: true });
// What a killed run has left behind.
for (const name of readdirSync(cache)) {
  if (Date.now() - statSync(join(cache, name)).mtimeMs > 86_400_000)
    rmSync(join(cache, name), { recursive: true });
}
const outDir = mkdtempSync(join(cache, 'run-'));
process.on('exit', () => rmSync(outDir, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

await build({
  root,
  configFile: false,
  logLevel: 'warn',
  define: { 'import.meta.main': 'true' },
  build: {
    ssr: resolve(file),
    outDir,
    emptyOutDir: false,
    target: 'node20',
    sourcemap: true,
    minify: false,
    copyPublicDir: false,
    rolldownOptions: { output: { entryFileNames: 'program.mjs', chunkFileNames: '[name]-[hash].mjs' } },
  },
});

process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], resolve(file), ...rest];
await import(pathToFileURL(join(outDir, 'program.mjs')).href);
