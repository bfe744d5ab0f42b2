/**
 * Vite plugin: `page-files.json`, the list of the build's files with bytes and hashes. The page keeps exactly these for use
 * without its host (src/storage/page-copy.ts).
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

const LIST = 'page-files.json';
/** Not read by browsers that can keep a page: every one of them reads woff2. */
const UNREAD = /\.(?:ttf|woff|map)$/;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Files below a folder but for the list itself, by path, and a version that changes with any of them. */
export function pageFiles(folder) {
  const paths = readdirSync(folder, { recursive: true })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile())
    .map((path) => relative(folder, path).split(sep).join('/'))
    .filter((path) => path !== LIST && !UNREAD.test(path))
    .sort();
  const files = paths.map((path) => {
    const bytes = readFileSync(join(folder, path));
    return { path, bytes: bytes.length, sha256: sha256(bytes) };
  });
  return { version: sha256(JSON.stringify(files)).slice(0, 16), files };
}

/** Writes the list when everything else is written. */
export function pageFilesList() {
  let outDir = 'dist';
  return {
    name: 'page-files',
    configResolved(config) {
      outDir = resolve(config.root, config.build.outDir);
    },
    closeBundle: {
      sequential: true,
      order: 'post',
      handler() {
        writeFileSync(join(outDir, LIST), `${JSON.stringify(pageFiles(outDir))}\n`);
      },
    },
  };
}
