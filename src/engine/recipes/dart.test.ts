import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { dart } from './dart';
import { afterThreeSteps, casesOf, expectParity, type Family, parityOf } from './parity.testing';

const { meta } = readGolden('dart');

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
  it.each(casesOf(meta))('%s, %s', async (family, name) => {
    await expectParity(await parity(family, name), runtime);
  });

  it.each(['whole', 'layerwise'] as const)('in three steps of AdamW: %s', async (form) => {
    expect(await afterThreeSteps(await parity('qwen2', 'two'), runtime, form)).toBeLessThan(1e-3);
  });
});
