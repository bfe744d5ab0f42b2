import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { familyErrors, WAYS } from './families.testing';
import { familyCases, fineCases } from './families-files.testing';
import { ROUNDINGS, roundingErrors } from './rounding.testing';

/**
 * float32 against float64 over two layers, as a share of the largest value. The weights are exact in all
 * three formats, so that one bound serves for all; measured at most 2e-6.
 */
const TOLERANCE = 1e-5;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe.each(familyCases)('$name', (family) => {
  it.each(['f32', 'f16', 'bf16'] as const)('computes what torch computes from %s', async (dtype) => {
    const errors = await familyErrors(runtime, family, dtype, dtype === 'f32' ? WAYS : ['text']);
    if (process.env.SHOW) console.log(family.name, dtype, errors);
    for (const [way, error] of Object.entries(errors)) expect(error, way).toBeLessThan(TOLERANCE);
    expect(runtime.liveTensors).toBe(0);
  });

  // Asked for are 2e-2, but float16 holds these weights.
  it('kept in 16 bits: what torch computes', async () => {
    const errors = await familyErrors(runtime, family, 'bf16', ['text', 'stepped', 'logits'], 'half');
    if (process.env.SHOW) console.log(family.name, 'half', errors);
    for (const [way, error] of Object.entries(errors)) expect(error, way).toBeLessThan(TOLERANCE);
  });
});

describe.each(fineCases)('$name, with weights that 16 bits do not hold', (family) => {
  it('in float32: what torch computes', async () => {
    const errors = await familyErrors(runtime, family, 'f32', WAYS);
    for (const [way, error] of Object.entries(errors)) expect(error, way).toBeLessThan(TOLERANCE);
  });

  it.each(ROUNDINGS)('from $dtype, kept as $storage: off, but within $most', async (rounding) => {
    const errors = await roundingErrors(runtime, family, rounding, ['text', 'latents', 'stepped', 'logits']);
    for (const [way, error] of errors) {
      expect(error, way).toBeLessThan(rounding.most);
      // Were the weights exact, this would say nothing of the rounding.
      expect(error, way).toBeGreaterThan(TOLERANCE);
    }
    expect(runtime.liveTensors).toBe(0);
  });
});
