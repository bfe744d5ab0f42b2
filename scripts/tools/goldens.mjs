/**
 * `npm run goldens`: recomputes every pinned value with the scripts in scripts/goldens (Debian's python3-torch,
 * python3-numpy and python3-scipy). `npm run goldens -- svd` runs those whose path contains the word. PYTHON names another
 * interpreter.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './folders.mjs';

const folder = join(root, 'scripts/goldens');
const words = process.argv.slice(2);
// Debian's own interpreter first, because it sees Debian's packages.
const python = process.env.PYTHON ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');

const scripts = readdirSync(folder, { recursive: true })
  .filter((name) => name.endsWith('.py') && !name.split(/[\\/]/).pop().startsWith('_'))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort();
if (scripts.length === 0) {
  console.error(`no script in scripts/goldens matches "${words.join(' ')}"`);
  process.exit(1);
}
for (const name of scripts) {
  console.log(`== ${name}`);
  execFileSync(python, [join(folder, name)], { cwd: root, stdio: 'inherit' });
}
