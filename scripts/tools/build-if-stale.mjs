/** The build, made where it is missing or older than its sources. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
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

export function buildIfStale() {
  const built = join(root, 'dist/index.html');
  const isStale =
    !existsSync(built) ||
    Math.max(...sources.map((path) => newest(join(root, path)))) > statSync(built).mtimeMs;
  if (!isStale) return;
  console.log('building the page (once)');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  execFileSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: root, stdio: 'inherit' });
}
