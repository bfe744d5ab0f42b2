/**
 * `npm run test:unit`: the tests in Node, in PARTS runs one after another. Files of a run share ONNX Runtime, whose heap never shrinks
 * and ends at 4 GiB: the whole suite in one process would fill it. What fills it on purpose (`*.alone.test.ts`) has a process of its own.
 * Arguments go to vitest, in one run.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './folders.mjs';

const PARTS = 4;
const given = process.argv.slice(2);
const runs =
  given.length > 0
    ? [['--project', 'node', ...given]]
    : [
        ['--project', 'alone'],
        ...Array.from({ length: PARTS }, (_, i) => ['--project', 'node', `--shard=${i + 1}/${PARTS}`]),
      ];
let failed = 0;
for (const args of runs) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) failed = status ?? 1;
}
process.exit(failed);
