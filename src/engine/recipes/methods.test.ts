import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { configOf, readMethods, recorded } from './methods.testing';
import { expectSteps, FORMS, interpreted, onRuntime, worst } from './parity.testing';

/**
 * Torch in float64 against float32 here. Asked for are 1e-4 of a term and 1e-3 of a gradient; measured at most 5e-5 of either,
 * with five thoughts in a chain.
 */
const TOLERANCE = 1e-4;
/** In float64 what is left is float32 in golden file, batch weights and rotary tables, 6e-8 a value; measured at most 3e-6. */
const ROUNDING = 5e-6;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe.each(['llama', 'qwen2', 'gpt2'] as const)(
  '%s: a method’s terms and every gradient agree with torch',
  (family) => {
    const { golden } = readMethods(family);
    it.each(Object.keys(golden.meta.cases))('%s', async (name) => {
      const config = configOf(family, name);
      const parity = recorded(family, config, { name });
      // The vocabulary in chunks once, where all kinds of values are on the tape.
      const chunked = name === 'pccot' ? { maxVocabularyBytes: 7 * parity.config.hiddenSize * 4 } : {};
      for (const form of FORMS) {
        const errors = await onRuntime(parity, runtime, form, form === 'layerwise' ? chunked : {});
        expect(worst(errors), form).toBeLessThan(TOLERANCE);
      }
      await expectSteps(parity, runtime);
      // In float64 one family is enough: it takes the longest.
      if (family === 'qwen2' || name.endsWith('bare')) return;
      expect(worst(interpreted(parity)), 'interpreted').toBeLessThan(ROUNDING);
    });
  },
);

it.each([
  ...(['methods-llama', 'methods-gpt2', 'methods-qwen2', 'dart', 'kava', 'lotus', 'simcot'] as const),
  ...(['coconut', 'icot', 'adaptive', 'grpo'] as const),
])('%s has what three steps of AdamW make of the trained values, which its test compares', (name) => {
  expect(readGolden(name).names.some((one) => one.includes('.after3.') || one.startsWith('after3.'))).toBe(
    true,
  );
});
