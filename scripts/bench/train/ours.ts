import { ModelOnDevice } from '../../../src/engine/model/model-on-device';
import type { Parameter } from '../../../src/engine/nn/parameter-set';
import { createRuntime, type RuntimeOptions } from '../../../src/engine/runtime/runtime';
import type { DeviceTensor } from '../../../src/engine/runtime/tensor';
import { compileWhole } from '../../../src/engine/train/compile-whole';
import type { Problem } from './cases';
import type { Outputs } from './protocol';

/** Our step as in training: feeds are written, one program is run, loss terms and gradients stay in our tensors. */
export async function ourStep({ config, tape, weights, packs, feeds }: Problem, options: RuntimeOptions) {
  const runtime = await createRuntime(options);
  const model = new ModelOnDevice(runtime, config, weights);
  const recorded = tape(model.config);
  const step = await compileWhole(model, recorded, 'training step');
  const parameters = packs.map((data, i) => {
    const { name, shape } = recorded.parameters.all[i] as Parameter;
    return runtime.upload({ dtype: 'f32', shape, data }, name);
  });
  const sum = async (terms: DeviceTensor | undefined): Promise<number> =>
    ((await (terms as DeviceTensor).read()) as Float32Array).reduce((a, b) => a + b, 0);
  return {
    nodes: step.nodes,
    sessions: runtime.compileTime,
    run: async (): Promise<number> => sum((await step.run(feeds, parameters)).terms),
    outputs: async (): Promise<Outputs> => {
      const { terms, gradients } = await step.run(feeds, parameters);
      const read = await Promise.all(gradients.map((g) => g.read()));
      return { loss: await sum(terms), gradients: read as Float32Array[] };
    },
  };
}
