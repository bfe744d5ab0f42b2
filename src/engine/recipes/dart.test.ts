import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { dart } from './dart';
import { afterThreeSteps, type Family, interpreted, onRuntime, parityOf } from './parity.testing';

/** Torch in float64 against float32; asked for are 1e-4 of a term and 1e-3 of a gradient. */
const TERMS = 1e-5;
const GRADIENTS = 1e-4;
/** Of the golden file's own rounding to float32, 6e-8 a value. */
const ROUNDING = 1e-6;

const { meta } = readGolden('dart');
const cases = Object.entries(meta.cases as Record<Family, Record<string, object>>).flatMap(([family, each]) =>
  Object.keys(each).map((name) => [family as Family, name] as const),
);

const parity = (family: Family, name: string) => {
  const { count, norm, joint, both } = meta.cases[family][name];
  return parityOf('dart', family, name, dart as never, {
    method: 'dart',
    silent: { count, pathway: both ? 'both' : 'rem' },
    rem: meta.rem,
    lora: { rank: meta.rank, alpha: meta.alpha },
    distance: { over: norm ?? 'mean', target: joint ? 'joint' : 'detached' },
    weights: meta.weights,
  });
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe('DART agrees with torch', () => {
  it.each(cases)('%s, %s', async (family, name) => {
    const one = await parity(family, name);
    const exact = interpreted(one);
    expect(exact.terms).toBeLessThan(ROUNDING);
    expect(exact.gradients).toBeLessThan(ROUNDING);
    for (const form of ['whole', 'layerwise'] as const) {
      const errors = await onRuntime(one, runtime, form);
      if (process.env.SHOW) console.log(family, name, form, errors);
      expect(errors.terms, form).toBeLessThan(TERMS);
      expect(errors.gradients, form).toBeLessThan(GRADIENTS);
    }
    expect(runtime.liveTensors).toBe(0);
  });

  it.each(['whole', 'layerwise'] as const)('in three steps of AdamW: %s', async (form) => {
    expect(await afterThreeSteps(await parity('qwen2', 'two'), runtime, form)).toBeLessThan(1e-3);
  });
});
