/** Case 26: the accuracy of one trained student after other numbers of thoughts than it was trained with. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../../../scripts/tools/folders.mjs';
import type { Evaluation } from '../../contract/evaluation';
import { lab } from '../lab';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'case-26-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROBLEMS = 24;
const THOUGHTS = 3;

/** On the bundled pair, whose student is right now and then. */
async function run(...args: string[]) {
  const out = join(folder, `${args[0]}.json`);
  const silent = { write: () => undefined };
  await lab([...args, '--models', join(root, 'models'), '--threads', '1', '--out', out], {
    ...{ stdout: silent, stderr: silent },
  });
  return JSON.parse(readFileSync(out, 'utf8'));
}

it('case 26: the command line is asked for other numbers of latents; at its own it says what the run said', async () => {
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      ...{ method: 'ce', data: { samples: 32, validation: 0, heldOut: PROBLEMS } },
      ...{ latent: { steps: THOUGHTS }, optimiser: { steps: 10, batch: 8 } },
      ...{ evaluation: { every: 0 }, observation: { every: 0 } },
    }),
  );
  const kept = join(folder, 'kept');
  const { result } = await run('distil', '--config', config, '--keep', kept);
  const { evaluations } = (await run(
    ...['eval', '--kept', kept, '--latents', '0,1,3,6', '--problems', String(PROBLEMS)],
    ...['--together', String(PROBLEMS)],
  )) as { evaluations: readonly (Evaluation & { readonly request: { readonly thoughts?: number } })[] };
  expect(evaluations.map(({ items }) => items.length)).toEqual([0, 1, 3, 6].map(() => PROBLEMS));
  const rights = evaluations.map(({ items }) => items.filter(({ right }) => right).length);
  expect(rights[2]).toBe(result.heldOut.correct);
  expect(result.heldOut.correct).toBeGreaterThan(0);
  // Other numbers of thoughts are other answers.
  const texts = evaluations.map(({ items }) => items.map(({ text }) => text).join());
  expect(new Set(texts).size).toBe(4);
}, 300_000);
