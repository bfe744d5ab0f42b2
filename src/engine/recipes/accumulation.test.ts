import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigOf, RunConfig } from '../../contract/config';
import { ModelOnDevice } from '../model/model-on-device';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { accumulated } from '../train/accumulate';
import { compileWhole } from '../train/compile-whole';
import { compileLayerwise } from '../train/layerwise/compile';
import type { TapeRun } from '../train/step';
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

  it('gives each batch of each step a number of its own, by which it draws, and takes their mean', async () => {
    const numbers: (number | undefined)[] = [];
    const [terms, gradient] = [runtime.empty('f32', [1], 'terms'), runtime.empty('f32', [2], 'gradient')];
    const single: TapeRun = {
      ...{ terms: ['a'], programs: 0, nodes: 0 },
      async run(_feeds, _parameters, step = 0) {
        numbers.push(step);
        terms.write(Float32Array.of(step));
        gradient.write(Float32Array.of(step, -step));
        return { terms, gradients: [gradient], outputs: {} };
      },
      async dispose() {
        terms.dispose();
        gradient.dispose();
      },
    };
    const three = await accumulated(runtime, single, [[2]], 3);
    for (const [step, expected] of [1, 4].entries()) {
      const found = await three.run([{}, {}, {}], [], step);
      const values = [found.terms, ...found.gradients].flatMap((x) => Array.from(x?.data as Float32Array));
      expect(values).toEqual([expected, expected, -expected].map((x) => expect.closeTo(x, 5)));
    }
    expect(numbers).toEqual([0, 1, 2, 3, 4, 5]);
    await three.dispose();
    expect(runtime.liveTensors).toBe(0);
  });
});
