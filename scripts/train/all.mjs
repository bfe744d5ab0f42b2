/**
 * Trains the bundled pair from nothing and writes models/: `npm run train:models [-- folder]`. About an hour on one core.
 * The data are drawn from seeds; torch's sums differ between machines, so that a rerun gives a pair of the same kind, not
 * the same bits. `--tiny folder` takes a few steps on a few problems, in a minute, to see that the scripts run: what it
 * writes can be opened and knows nothing.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const { values, positionals } = parseArgs({
  options: { tiny: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const bundled = resolve(here, '../../models');
const out = resolve(positionals[0] ?? bundled);
if (values.tiny && out === bundled) {
  console.error('--tiny writes a pair that knows nothing: name a folder other than the bundled pair’s');
  process.exit(2);
}
/** Steps, problems: as given, or a few. */
const few = (count, tiny) => String(values.tiny ? tiny : count);
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
  '--rows',
  few(150_000, 300),
  '--steps',
  few(4000, 4),
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
  few(30_000, 300),
  '--steps',
  few(350, 2),
  '--lr',
  '1.5e-3',
  '--teacher-steps',
  few(250, 2),
  '--teacher-lr',
  '1e-3',
  '--shares',
  'next=.8,compact=.15,direct=.05',
);
for (const role of ['base', 'teacher'])
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    if (out !== bundled) cpSync(join(bundled, role, file), join(out, role, file));
python('manifest.py', out, '--about', join(here, 'about.json'), '--held', few(1000, 10));
