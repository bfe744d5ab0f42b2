import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HostTensor } from '../../base/dtype';
import { FileError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { type ModelConfig, parseModelConfig } from '../../checkpoint/config';
import { toHost } from '../../checkpoint/safetensors';
import { parseSafetensors } from '../../checkpoint/safetensors.testing';
import { blobSource } from '../../checkpoint/source';
import { DIRECT } from '../../decode/reasoning';
import { statesProgram } from '../../decode/states';
import { ModelOnDevice } from '../../model/model-on-device';
import { packWeights } from '../../nn/weights';
import { type LlamaForm, llamaExport, storedWeights } from '../../onnx/read/exports.testing';
import { readOnnxModel } from '../../onnx/read/model';
import { findResiduals } from '../../onnx/read/residuals';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { tinyPair } from '../../testing/tiny-pair.testing';
import type { OnnxExport, OnnxIds } from './onnx-export';
import { OnnxRunner } from './onnx-runner';

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
  const file = blobSource(new Blob([model]));
  const read = await readOnnxModel(file);
  return {
    name: 'model.onnx',
    model: read,
    decoder: findResiduals(read),
    file,
    others: new Map(data ? [['model.onnx_data', blobSource(new Blob([data]))]] : []),
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
      held.set(name, {
        dtype: 'f32',
        shape: shapes.get(name) ?? [],
        data: data as Float32Array<ArrayBuffer>,
      });
    const model = new ModelOnDevice(runtime, config, packWeights(config, held));
    const shape = { config, batch: B, question: 0, reasoning: DIRECT, rest: T };
    const program = await model.compile(statesProgram(shape));
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

/** Largest difference, relative to the largest value. */
function error(got: Float32Array, want: Float32Array): number {
  if (got.length !== want.length) return Number.NaN;
  const most = want.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return got.reduce((m, x, i) => Math.max(m, Math.abs(x - (want[i] as number))), 0) / most;
}

/**
 * Measured: 3e-7 in float32; 1.3e-3 in float16, whose values have 11 bits; 1.9e-2 with activations rounded to
 * 8 bits of their range before every product.
 */
const F32 = 1e-5;
const F16 = 5e-3;
const INT8 = 2.5e-2;
const FORMS: [string, LlamaForm, number][] = [
  ['decomposed', { form: 'decomposed', externalFrom: 1000 }, F32],
  [
    'decomposed, names that tell nothing, the last position alone',
    { form: 'decomposed', opaque: true, lastOnly: true },
    F32,
  ],
  ['decomposed, as many logits as it is told', { form: 'decomposed', keepsLogits: true }, F32],
  ['decomposed, float16', { form: 'decomposed', halves: true }, F16],
  ['decomposed, int8', { form: 'decomposed', linears: 'int8' }, INT8],
  ['genai', { form: 'genai' }, F32],
  ['genai, rotating inside, names that tell nothing', { form: 'genai', doRotary: true, opaque: true }, F32],
  ['genai, 4 bits', { form: 'genai', linears: 'q4', externalFrom: 1000 }, F32],
  ['the sum beside the norm, 4 bits, float16', { form: 'skip-add', linears: 'q4', halves: true }, F16],
];

/** The most probable token after each of `ids`' prefixes, by the export's own logits. */
const argmax = (logits: Float32Array): number =>
  logits.reduce((m, x, i) => (x > (logits[m] as number) ? i : m), 0);

describe('an export’s hidden states', () => {
  it.each(FORMS)('are those of the project’s own forward pass: %s', async (_, form, tolerance) => {
    const runner = await OnnxRunner.open(runtime, await exported(form));
    const { states } = await runner.states(FED);
    const want = await own(form.linears);
    expect(states.length).toBe(config.layers + 1);
    for (const [l, w] of want.entries())
      expect(error(states[l + 1] as Float32Array, w)).toBeLessThan(tolerance);
    // The embedding.
    const rows = weights.get('model.embed_tokens.weight') as Float32Array;
    const H = config.hiddenSize;
    const embedded = Array.from(FED.ids).flatMap((id) => [...rows.subarray(id * H, (id + 1) * H)]);
    expect(error(states[0] as Float32Array, Float32Array.from(embedded))).toBeLessThan(1e-3);

    // One token at a time through the cache gives the same as all at once, unless quantised activations share
    // a scale.
    const [first, ...rest] = Array.from(FED.ids).slice(0, 7) as [number, ...number[]];
    let state = await runner.begin([first]);
    for (const id of rest) state = await runner.advance(state, [id]);
    const whole = await runner.begin([first, ...rest]);
    expect(state.rows).toEqual(whole.rows);
    const [got, atOnce] = [state, whole].map(({ logits }) => logits[0] as Float32Array) as [
      Float32Array,
      Float32Array,
    ];
    expect(error(got, atOnce)).toBeLessThan(form.linears === 'int8' ? 0.2 : 5 * tolerance);
    if (form.linears !== 'int8') expect(argmax(got)).toBe(argmax(atOnce));
    // The head reads the last of them.
    if (!form.linears && !form.halves) {
      const last = (states.at(-1) as Float32Array).subarray(6 * H, 7 * H);
      const logits = Float32Array.from({ length: config.vocabSize }, (_, v) =>
        last.reduce((sum, x, i) => sum + x * (rows[v * H + i] as number), 0),
      );
      expect(error(atOnce, logits)).toBeLessThan(F32);
    }
    await runner.dispose();
  });

  it('are continued without keys and values where those cannot be fed back', async () => {
    const file = await exported({ form: 'decomposed' });
    const caches = file.decoder.caches.map((cache) => ({ ...cache, goesBack: false }));
    const runner = await OnnxRunner.open(runtime, { ...file, decoder: { ...file.decoder, caches } });
    const state = await runner.advance(await runner.begin([3, 17]), [200]);
    const whole = await runner.begin([3, 17, 200]);
    expect([state.cache, state.logits]).toEqual([{}, whole.logits]);
    await runner.dispose();
  });

  it('come with only the last position’s logits, except when two runs are compared', async () => {
    const asked: [string | undefined, readonly number[] | undefined][] = [];
    const open = runtime.openModelFile.bind(runtime);
    const opening = vi.spyOn(runtime, 'openModelFile').mockImplementation(async (given) => {
      const session = await open(given);
      const run = session.run.bind(session);
      session.run = async (feeds, outputs) => {
        const out = await run(feeds, outputs);
        asked.push([feeds.num_logits_to_keep?.data.toString(), out.logits?.shape]);
        return out;
      };
      return session;
    });
    const runner = await OnnxRunner.open(runtime, await exported({ form: 'genai', keepsLogits: true }));
    opening.mockRestore();
    const V = config.vocabSize;
    // The check's three passes over 6 tokens.
    expect(asked).toEqual([
      ['0', [1, 6, V]],
      ['0', [1, 6, V]],
      ['1', undefined],
    ]);
    asked.length = 0;
    const state = await runner.begin([3, 17, 200]);
    await runner.advance(runner.repeat(state, 2), [5, 6]);
    await runner.states(FED);
    expect(asked).toEqual([
      ['1', [1, 1, V]],
      ['1', [2, 1, V]],
      ['1', undefined],
    ]);
    await runner.dispose();
  });

  it('are refused by name if what was found is something else', async () => {
    const file = await exported({ form: 'decomposed' });
    const { taps } = file.decoder;
    const [embedding, one, ...others] = taps as [string, string, ...string[]];
    const wide = file.model.nodes.find(({ op }) => op === 'Sigmoid')?.outputs[0] as string;
    const cases: [OnnxExport, RegExp][] = [
      [
        tapping(file, [embedding, wide, ...others]),
        /layer 1 has the shape \[1, ?6, ?96\]; \[1, ?6, ?64\] is expected/,
      ],
      [tapping(file, [embedding, one, one, ...others.slice(1)]), /layers 1 and 2 have the same output/],
      [
        { ...file, sizes: { ...file.sizes, vocabSize: 300 } },
        /397 logits per position; vocab_size .* is 300/,
      ],
      [
        await exported({ form: 'decomposed', acausal: true }),
        /another last token, earlier positions of the output of layer 1/,
      ],
    ];
    for (const [bad, message] of cases)
      await expect(OnnxRunner.open(runtime, bad)).rejects.toMatchObject({
        code: 'config',
        message: expect.stringMatching(message),
        hint: expect.stringContaining('export'),
      });
  });

  it('leave nothing behind when something cannot be read, which is reported, or on cancellation', async () => {
    const file = await exported({ form: 'genai', externalFrom: 1000 });
    const gone = { size: 1e9, read: () => Promise.reject(new FileError('gone', 'Choose it again.')) };
    const without = { ...file, others: new Map([['model.onnx_data', gone]]) };
    await expect(OnnxRunner.open(runtime, without)).rejects.toMatchObject({ code: 'file', message: 'gone' });
    const readSync = () => {
      throw new FileError('gone later', 'Choose it again.');
    };
    const later = { ...file, others: new Map([['model.onnx_data', { ...gone, readSync }]]) };
    await expect(OnnxRunner.open(runtime, later)).rejects.toMatchObject({
      code: 'file',
      message: 'gone later',
    });
    const abort = new AbortController();
    abort.abort();
    await expect(OnnxRunner.open(runtime, file, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
    const other = await createRuntime({ provider: 'wasm', threads: 1 });
    const runner = await OnnxRunner.open(other, file);
    await other.dispose();
    await expect(runner.begin([1])).rejects.toMatchObject({ code: 'runtime' });
    await runner.dispose();
  });
});

const tapping = (file: OnnxExport, taps: readonly string[]): OnnxExport => ({
  ...file,
  decoder: { ...file.decoder, taps },
});

it('an export whose weights are more than WASM has is refused before anything of it is opened', async () => {
  const file = await exported({ form: 'genai' });
  const opened = vi.spyOn(runtime, 'openModelFile');
  const large = { ...file, others: new Map([['model.onnx_data', { ...file.file, size: 4.9e9 }]]) };
  await expect(OnnxRunner.open(runtime, large)).rejects.toMatchObject({
    code: 'memory',
    message: expect.stringContaining('model.onnx: Its weights take 4.9 GB; WASM has 4.0 GB'),
    hint: expect.stringContaining('fewer bits'),
  });
  expect(opened).not.toHaveBeenCalled();
  opened.mockRestore();
});
