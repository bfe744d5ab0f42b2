import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../contract/config';
import { RECIPES } from '../methods/index';
import { ModelOnDevice } from '../model/model-on-device';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { compileWhole } from '../train/compile-whole';
import { compileLayerwise } from '../train/layerwise/compile';
import { configOf, errorsOf, type GoldenFamily, interpreted, readMethods, recorded } from './methods.testing';
import type { Recipe } from './shared/recipe';

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

type Form = 'whole' | 'layerwise';

/** Terms and gradients of a run on the golden's values. @param chunked whether the vocabulary is in chunks */
async function run(family: GoldenFamily, config: RunConfig, form: Form, chunked: boolean) {
  const found = readMethods(family);
  const bytes = 7 * found.config.hiddenSize * 4;
  const options = chunked ? { maxVocabularyBytes: bytes } : {};
  const held = new ModelOnDevice(runtime, found.config, found.weights, options);
  const recipe = RECIPES[config.method] as Recipe;
  const { tape, values, feeds } = recorded(found, recipe, config, { model: held.config });
  const compiled =
    form === 'whole' ? await compileWhole(held, tape, 'step') : await compileLayerwise(held, tape);
  const parameters = values.map((data, i) =>
    runtime.upload({ dtype: 'f32', shape: tape.parameters.all[i]?.shape ?? [], data }),
  );
  // Twice, so that what one run leaves behind would be seen in the next.
  if (chunked) await compiled.run(feeds, parameters);
  const out = await compiled.run(feeds, parameters);
  const terms = Array.from(out.terms?.data as Float32Array);
  const gradients = out.gradients.map(({ data }) => Float32Array.from(data as Float32Array));
  for (const parameter of parameters) parameter.dispose();
  await compiled.dispose();
  await held.release();
  return { tape, terms, gradients };
}

describe.each(['llama', 'qwen2'] as const)(
  '%s: a method’s terms and every gradient agree with torch',
  (family) => {
    const { golden } = readMethods(family);
    it.each(Object.keys(golden.meta.cases))('%s', async (name) => {
      const config = configOf(family, name);
      // The vocabulary in chunks once, where all kinds of values are on the tape.
      const forms: [Form, boolean][] = [
        ['whole', false],
        ['layerwise', name === 'pccot'],
      ];
      for (const [form, chunked] of forms) {
        const { tape, terms, gradients } = await run(family, config, form, chunked);
        const errors = errorsOf(golden, name, tape, terms, gradients);
        const worst = Math.max(...Object.values(errors));
        if (process.env.SHOW) console.log(family, name, form, worst.toExponential(1));
        expect(worst, form).toBeLessThan(TOLERANCE);
      }
      // In float64 one family is enough: it takes the longest.
      if (family !== 'llama' || name.endsWith('bare')) return;
      const { tape, terms, gradients } = interpreted(family, config);
      const errors = errorsOf(golden, name, tape, terms, gradients);
      expect(Math.max(...Object.values(errors)), 'interpreted').toBeLessThan(ROUNDING);
    });
  },
);
