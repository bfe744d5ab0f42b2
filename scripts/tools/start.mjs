/**
 * `npm start`: builds the page if the build is missing or older than its sources, serves it under the production
 * headers and prints the URL. `PORT` asks for a port; otherwise the first free one from 4173 on is taken.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { preview } from 'vite';
import { root } from './folders.mjs';

const sources = [
  'src',
  'models',
  'public',
  'index.html',
  'package.json',
  'package-lock.json',
  'vite.config.ts',
  'scripts/tools',
];

/** Time of the newest file at or below a path, in ms; 0 if there is none. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

const built = join(root, 'dist/index.html');
const isStale =
  !existsSync(built) ||
  Math.max(...sources.map((path) => newest(join(root, path)))) > statSync(built).mtimeMs;
if (isStale) {
  console.log('building the page (once)');
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
}

const port = process.env.PORT ? Number(process.env.PORT) : undefined;
const server = await preview({ root, preview: { port: port ?? 4173, strictPort: port !== undefined } });
const url = server.resolvedUrls?.local[0];
console.log(`LoRi Playground: ${url}   (stop with Ctrl-C)`);
