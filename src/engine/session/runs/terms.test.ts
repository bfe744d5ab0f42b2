import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { METHODS, methodOf } from '../../../contract/methods/index';
import { type LossTerm, runStages } from '../../../contract/methods/method';
import { RECIPES } from '../../methods/index';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { tinyRunBy, watch } from './tiny-run.testing';

/** A method's data and its recording are in two files: these tests compare them. */

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
}, 60_000);
afterAll(() => workbench.close());

/** The terms reported by a run long enough to reach every stage. */
async function termsOf(method: string, weight: number, kept: string, steps = 1): Promise<string[]> {
  const { weights, ...config } = tinyRunBy(method, {
    data: { samples: 2, validation: 0, heldOut: 0 },
    optimiser: { steps },
    evaluation: { every: 0 },
    observation: { every: 0 },
  });
  const changed = Object.fromEntries(
    Object.keys(weights).map((name) => [name, name === kept ? 0.5 : weight]),
  );
  const watched = watch();
  await workbench.distil(parseRunConfig({ ...config, weights: changed }), { report: watched.report });
  const names = watched.steps().flatMap(({ losses }) => Object.keys(losses));
  return [...new Set(names)].sort();
}

it('every method has a recipe, and every recipe a method', () => {
  expect(Object.keys(RECIPES).sort()).toEqual(METHODS.map(({ id }) => id).sort());
});

it.each(METHODS.map(({ id, terms }) => [id, terms] as const))(
  '%s: a step reports the declared terms; a weight of 0 leaves a term out',
  async (method, terms) => {
    const stages = runStages(methodOf(method), tinyRunBy(method));
    const steps = (stages.at(-1)?.from ?? 0) + 1;
    // A run needs at least one term.
    const kept = terms.find(({ name }) => name === 'answer') ?? (terms[0] as LossTerm);
    const weight = kept.weight.replace('weights.', '');
    const names = [...terms.map(({ name }) => name), 'total'].sort();
    expect(await termsOf(method, 0.5, weight, steps)).toEqual(names);
    expect(await termsOf(method, 0, weight)).toEqual([kept.name, 'total']);
  },
  60_000,
);
