import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '../../base/dtype';
import { Rng } from '../../base/rng';
import { parseModelConfig } from '../../checkpoint/config';
import { blobSource } from '../../checkpoint/source';
import { DIRECT } from '../../decode/reasoning';
import { statesProgram } from '../../decode/states';
import { ModelOnDevice } from '../../model/model-on-device';
import { memorySource } from '../../nn/weight-source';
import { expectedTensors, packWeights } from '../../nn/weights';
import { type Gpt2Form, gpt2Export } from '../../onnx/read/exports-gpt2.testing';
import { readOnnxModel } from '../../onnx/read/model';
import { findResiduals } from '../../onnx/read/residuals';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { normals, relativeError } from '../../train/tiny.testing';
import { onnxConfig } from './onnx-config';
import { OnnxRunner } from './onnx-runner';

const JSON_CONFIG = {
  model_type: 'gpt2',
  n_embd: 32,
  n_layer: 3,
  n_head: 4,
  n_positions: 64,
  vocab_size: 60,
  activation_function: 'gelu_new',
  layer_norm_epsilon: 1e-5,
};
const config = parseModelConfig(JSON_CONFIG);
const tensors = new Map(
  expectedTensors(config).map(({ name, shape }, i) => {
    const size = shape.reduce((n, d) => n * d, 1);
    const values = normals(new Rng(5).fork(`${i}`), size, name.includes('ln_') ? 0.3 : 0.25);
    return [
      name,
      {
        dtype: 'f32',
        shape,
        data: name.includes('ln_') && name.endsWith('weight') ? values.map((x) => 1 + x) : values,
      },
    ] as const;
  }),
);
const IDS = [7, 31, 59, 2, 2, 18, 44, 0, 5, 33];

let runtime: Runtime;
let want: Float32Array[];
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  const packed = packWeights(config, new Map<string, HostTensor>(tensors));
  const model = new ModelOnDevice(runtime, config, memorySource(packed));
  const shape = { config, batch: 2, question: 0, reasoning: DIRECT, rest: 5 };
  const program = await model.compile(statesProgram(shape));
  const rest = runtime.upload({ dtype: 'i32', shape: [2, 5], data: Int32Array.from(IDS) });
  const { states } = await program.run({ rest });
  const all = (await states?.read()) as Float32Array;
  // [B·T, L, H] → by layer [B·T, H]
  const { layers: L, hiddenSize: H } = config;
  want = Array.from({ length: L }, (_, l) => {
    const rows = IDS.map((_, n) => all.subarray((n * L + l) * H, (n * L + l + 1) * H));
    return Float32Array.from(rows.flatMap((row) => [...row]));
  });
});
afterAll(() => runtime.dispose());

describe('a GPT-2 export', () => {
  const forms: [string, Gpt2Form][] = [
    ['norms of single operations', { norms: 'parts' }],
    ['norms as they are, names that tell nothing', { norms: 'whole', opaque: true }],
    ['norms joined with sums', { norms: 'skip', externalFrom: 512 }],
  ];
  it.each(forms)('gives the hidden states of the project’s own forward pass: %s', async (_, form) => {
    const values = new Map([...tensors].map(([name, { data }]) => [name, data]));
    const { model, data } = gpt2Export(config, values, form);
    const file = blobSource(new Blob([model]));
    const read = await readOnnxModel(file);
    const decoder = findResiduals(read);
    const sizes = onnxConfig(JSON_CONFIG, decoder);
    expect(sizes).toMatchObject({ hiddenSize: 32, heads: 4, kvHeads: 4, headDim: 8, maxPositions: 64 });
    const others = new Map(data ? [['model.onnx_data', blobSource(new Blob([data]))]] : []);
    const runner = await OnnxRunner.open(runtime, {
      name: 'model.onnx',
      model: read,
      decoder,
      file,
      others,
      sizes,
    });
    const { states } = await runner.states({ batch: 2, columns: 5, ids: IDS });
    expect(states.length).toBe(4);
    // Measured 3e-7.
    want.forEach((layer, l) => {
      expect(relativeError(states[l + 1] as Float32Array, layer)).toBeLessThan(1e-5);
    });
    const whole = await runner.begin(IDS.slice(0, 5));
    const steps = await runner.advance(await runner.begin(IDS.slice(0, 4)), [IDS[4] as number]);
    expect(relativeError(steps.logits[0] as Float32Array, whole.logits[0] as Float32Array)).toBeLessThan(
      1e-5,
    );
    await runner.dispose();
  });
});
