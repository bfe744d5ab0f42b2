import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigOf, RunConfig } from '../../contract/config';
import { ModelOnDevice } from '../model/model-on-device';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { accumulated } from '../train/accumulate';
import { compileWhole } from '../train/compile-whole';
import { compileLayerwise } from '../train/layerwise/compile';
import { relativeError } from '../train/tiny.testing';
import { configOf, readMethods, recorded } from './methods.testing';
import { FORMS, upload, valuesOf } from './parity.testing';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe('gradient accumulation', () => {
  it.each(FORMS)('adds up to one large batch: %s', async (form) => {
    const codi = configOf('llama', 'codi') as ConfigOf<'codi-self'>;
    // What is divided by the standard deviation of its batch would differ.
    const config: RunConfig = { ...codi, distillation: { ...codi.distillation, scale: 'none' } };
    const found = readMethods('llama');
    const held = new ModelOnDevice(runtime, found.config, found.weights);
    const results = [];
    for (const parts of [1, 3]) {
      const made = recorded('llama', config, { parts });
      const { batches } = made;
      const tape = made.tape(held.config);
      const { all } = tape.parameters;
      const single =
        form === 'whole' ? await compileWhole(held, tape, 'step') : await compileLayerwise(held, tape);
      const step = await accumulated(
        runtime,
        single,
        all.map(({ shape }) => shape),
        parts,
      );
      const parameters = upload(runtime, tape, valuesOf(made, tape));
      // The second step must not see what the first one left.
      await step.run(batches, parameters, 0);
      const { terms, gradients } = await step.run(batches, parameters, 1);
      results.push([terms, ...gradients].map((x) => Float32Array.from(x?.data as Float32Array)));
      for (const parameter of parameters) parameter.dispose();
      await step.dispose();
    }
    await held.release();
    expect(runtime.liveTensors).toBe(0);
    const [whole, parts] = results as [Float32Array[], Float32Array[]];
    // float32, sums in another order
    whole.forEach((x, i) => {
      expect(relativeError(parts[i] as Float32Array, x)).toBeLessThan(1e-5);
    });
  });
});
