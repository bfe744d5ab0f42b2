/**
 * Trains the bundled pair from nothing and writes models/: `npm run train:models [-- folder]`. About an hour on one core.
 * The data are drawn from seeds; torch's sums differ between machines, so that a rerun gives a pair of the same kind, not
 * the same bits.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '../../models'));
const first = mkdtempSync(join(tmpdir(), 'first-base-'));

const python = (script, ...args) => {
  // Torch's threads and OpenBLAS's spin against each other otherwise.
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE', OPENBLAS_NUM_THREADS: '1' };
  const { status } = spawnSync('/usr/bin/python3', [join(here, script), ...args], { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
};
const common = ['--batch', '32', '--threads', '1'];

// Arithmetic first: rationales whole and as results only; direct answers to one-step problems only.
python(
  'pretrain.py',
  first,
  ...common,
  '--steps',
  '4000',
  '--teacher-steps',
  '0',
  '--shares',
  'verbose=.7,compact=.2,direct=.1',
);
// Then running text, so that a rationale is not what the base writes first; and the teacher, on whole rationales.
python(
  'pretrain.py',
  out,
  ...common,
  '--init',
  first,
  '--rows',
  '30000',
  '--steps',
  '350',
  '--lr',
  '1.5e-3',
  '--teacher-steps',
  '250',
  '--teacher-lr',
  '1e-3',
  '--shares',
  'next=.8,compact=.15,direct=.05',
);
for (const role of ['base', 'teacher'])
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    if (out !== resolve(here, '../../models'))
      cpSync(join(here, '../../models', role, file), join(out, role, file));
python('manifest.py', out, '--about', join(here, 'about.json'));
