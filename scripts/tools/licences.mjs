/**
 * Every package that can reach the page carries a permissive licence, read from package-lock.json (SPDX expressions),
 * and the lock file names no registry but the default one.
 *
 *     node scripts/tools/licences.mjs [project folder]
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
  'Zlib',
]);

/** Packages whose metadata names no licence, with the one in their own text. */
const readByHand = {
  'stack-trace@0.0.9': 'MIT', // its file License
};

/** Whether an SPDX expression leaves us a permissive choice: one side of OR, both sides of AND. */
export function isPermissive(expression) {
  const bare = expression.trim().replace(/^\((.*)\)$/, '$1');
  if (/ OR /.test(bare)) return bare.split(' OR ').some(isPermissive);
  if (/ AND /.test(bare)) return bare.split(' AND ').every(isPermissive);
  return permissive.has(bare);
}

function licenceOf(root, path, entry) {
  if (entry.license) return entry.license;
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const known = readByHand[`${name}@${entry.version}`];
  if (known) return known;
  const file = join(root, path, 'package.json');
  if (!existsSync(file)) return undefined;
  const { license, licenses } = JSON.parse(readFileSync(file, 'utf8'));
  if (Array.isArray(licenses)) return licenses.map(({ type }) => type).join(' OR ');
  return typeof license === 'string' ? license : license?.type;
}

export function checkLicences(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const complaints = [];
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '') continue;
    if (entry.resolved && !entry.resolved.startsWith('https://registry.npmjs.org/')) {
      complaints.push(`${path}: resolved from "${entry.resolved}", expected the default registry or nothing`);
    }
    if (entry.dev) continue;
    const licence = licenceOf(root, path, entry);
    if (!licence) complaints.push(`${path}: no licence named`);
    else if (!isPermissive(licence)) complaints.push(`${path}: licence "${licence}" is not a permissive one`);
  }
  return complaints;
}

if (import.meta.filename === process.argv[1]) {
  const complaints = checkLicences(process.argv[2] ?? join(import.meta.dirname, '../..'));
  for (const line of complaints) console.error(line);
  if (complaints.length > 0) process.exit(1);
}
