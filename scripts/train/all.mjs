/**
 * Trains the bundled pair from nothing and writes models/: `npm run train:models [-- folder]`. About 70 minutes on one core.
 * Everything is drawn from seeds and runs on one thread: a rerun gives the same bits where torch's sums are the same, and
 * elsewhere a pair of the same kind. `--tiny folder` takes a few steps on a few problems, in a minute, to see that the scripts run: what it
 * writes can be opened and knows nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
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
for (const role of ['base', 'teacher']) {
  const { status } = spawnSync(process.execPath, [join(here, 'build-tokenizer.mjs'), join(out, role)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
const common = [
  ...['--batch', '32', '--threads', '1', '--held', few(1000, 10)],
  ...['--tokenizer', join(out, 'base'), '--layers', '5', '--inner', '384'],
];

// Arithmetic first: rationales whole, as results only, and with tokens missing; direct answers to one-step problems only.
python(
  'pretrain.py',
  first,
  ...common,
  ...['--rows', few(200_000, 300), '--steps', few(7000, 4), '--teacher-steps', '0'],
  ...['--shares', 'verbose=.6,compact=.2,dropped=.1,direct=.05,drill=.05'],
);
// Then running text, so that a rationale is not what the base writes first, and steps superposed in one position; and the teacher,
// on whole rationales.
python(
  'pretrain.py',
  out,
  ...common,
  ...['--init', first, '--rows', few(30_000, 300), '--steps', few(900, 2), '--lr', '2e-3'],
  ...['--teacher-steps', few(400, 2), '--teacher-lr', '1e-3'],
  ...['--shares', 'next=.7,soft=.2,compact=.05,direct=.05'],
);
python('manifest.py', out, '--about', join(here, 'about.json'), '--held', few(1000, 10));
