import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor } from '../../base/dtype';
import { Owned } from '../../base/owned';
import { type ModelConfig, parseModelConfig } from '../../checkpoint/config';
import { blobSource } from '../../checkpoint/source';
import { parseSafetensors, toHost } from '../../checkpoint/safetensors';
import { statesProgram } from '../../decode/states';
import { ModelOnDevice } from '../../model/model-on-device';
import { packWeights } from '../../nn/weights';
import { type LlamaForm, llamaExport, storedWeights } from '../../onnx/read/exports.testing';
import { readOnnxModel } from '../../onnx/read/model';
import { findResiduals } from '../../onnx/read/residuals';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { tinyPair } from '../../testing/tiny-pair.testing';
import type { OnnxExport } from './onnx-export';
import { type OnnxIds, OnnxRunner } from './onnx-runner';

let runtime: Runtime;
let config: ModelConfig;
let weights: Map<string, Float32Array>;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  const files = await tinyPair({ config: { num_hidden_layers: 3, hidden_size: 64, intermediate_size: 96 } });
  config = parseModelConfig(JSON.parse(new TextDecoder().decode(files.get('teacher/config.json'))));
  const stored = parseSafetensors((files.get('teacher/model.safetensors') as Uint8Array<ArrayBuffer>).buffer);
  weights = new Map([...stored].map(([name, t]) => [name, toHost(t).data as Float32Array]));
});
afterAll(() => runtime.dispose());

async function exported(form: LlamaForm): Promise<OnnxExport> {
  const { model, data } = llamaExport(config, weights, form);
  const file = new Blob([model]);
  const read = await readOnnxModel(blobSource(file));
  return {
    name: 'model.onnx',
    model: read,
    decoder: findResiduals(read),
    file,
    others: new Map(data ? [['model.onnx_data', new Blob([data])]] : []),
    sizes: { ...config },
  };
}

const FED: OnnxIds = {
  batch: 2,
  columns: 7,
  ids: [3, 17, 200, 41, 5, 396, 77, 9, 9, 10, 300, 4, 2, 60],
};

/** hidden_states[1..L] of `FED` by the project's own forward pass, [L][B, T, H]. */
async function own(linears: LlamaForm['linears']): Promise<Float32Array[]> {
  const { layers: L, hiddenSize: H } = config;
  const { batch: B, columns: T, ids } = FED;
  const owned = new Owned();
  try {
    const shapes = new Map((await shapesOf()).map(({ name, shape }) => [name, shape]));
    const held = new Map<string, HostTensor>();
    for (const [name, data] of storedWeights(weights, linears, H))
      held.set(name, { dtype: 'f32', shape: shapes.get(name) ?? [], data: data as Float32Array<ArrayBuffer> });
    const model = new ModelOnDevice(runtime, config, packWeights(config, held));
    const shape = { config, batch: B, question: 0, latents: 0, rest: T, lora: undefined };
    const program = await model.compile(statesProgram({ ...shape, filter: { kind: 'hidden', temperature: 1 } }));
    const rest = owned.add(runtime.upload({ dtype: 'i32', shape: [B, T], data: Int32Array.from(ids) }));
    const { states } = await program.run({ rest });
    const all = (await states?.read()) as Float32Array;
    states?.dispose();
    await program.dispose();
    await model.release();
    return Array.from({ length: L }, (_, l) => {
      const out = new Float32Array(B * T * H);
      for (let n = 0; n < B * T; n++) out.set(all.subarray((n * L + l) * H, (n * L + l + 1) * H), n * H);
      return out;
    });
  } finally {
    await owned.dispose();
  }
}

async function shapesOf() {
  const { expectedTensors } = await import('../../nn/weights');
  return expectedTensors(config);
}

/** Largest difference, as a share of the largest value. */
function error(got: Float32Array, want: Float32Array): number {
  if (got.length !== want.length) return Number.NaN;
  const most = want.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return got.reduce((m, x, i) => Math.max(m, Math.abs(x - (want[i] as number))), 0) / most;
}

/** [form, tolerance and its reason]. */
const FORMS: [string, LlamaForm, number][] = [
  ['decomposed', { form: 'decomposed', externalFrom: 1000 }, 1e-5],
  ['decomposed, names that tell nothing', { form: 'decomposed', opaque: true }, 1e-5],
  ['decomposed, float16', { form: 'decomposed', halves: true }, 2e-2],
  ['decomposed, int8', { form: 'decomposed', linears: 'int8' }, 2e-2],
  ['genai', { form: 'genai' }, 1e-5],
  ['genai, rotating inside', { form: 'genai', doRotary: true, opaque: true }, 1e-5],
  ['genai, 4 bits', { form: 'genai', linears: 'q4', externalFrom: 1000 }, 1e-5],
  ['the sum beside the norm', { form: 'skip-add', linears: 'q4', halves: true }, 2e-2],
  ['the last position alone', { form: 'decomposed', lastOnly: true }, 1e-5],
];

describe('an export’s hidden states', () => {
  it.each(FORMS)('are those of the project’s own pass: %s', async (_, form, tolerance) => {
    const runner = await OnnxRunner.open(runtime, await exported(form));
    const { states } = await runner.states(FED);
    const want = await own(form.linears);
    expect(states.length).toBe(config.layers + 1);
    const errors = want.map((w, l) => error(states[l + 1] as Float32Array, w));
    console.log(_, errors.map((e) => e.toExponential(1)).join(' '));
    for (const e of errors) expect(e).toBeLessThan(tolerance);
    await runner.dispose();
  });
});
