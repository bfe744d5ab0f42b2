import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedFile } from '../../../contract/lens';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import pickled from './adapter-pickle.golden.json';
import { adapterCase, adapterCases, adapterFiles, baseOf } from './adapters.testing';
import { DeviceModels } from './device-models';
import { states, steps } from './families.testing';
import { distance, familyFiles, floats } from './families-files.testing';
import { openModel } from './opened';

/** float32 against float64, as a share of the largest value; the weights are exact. Measured at most 3e-6. */
const TOLERANCE = 1e-5;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe.each(adapterCases)('$name', (adapter) => {
  it('computes what torch computes, as states and as logits', async () => {
    const files = [...familyFiles(baseOf(adapter), 'bf16'), ...adapterFiles(adapter)];
    const { model } = await openModel(files);
    const models = new DeviceModels(runtime);
    const text = await states(models, model, [[]], 0, [[...adapter.ids]]);
    expect(distance(text, floats(adapter.text))).toBeLessThan(TOLERANCE);
    const { hidden, logits } = await steps(models, model);
    expect(distance(hidden, floats(adapter.hidden), true)).toBeLessThan(TOLERANCE);
    expect(distance(logits, floats(adapter.logits), true)).toBeLessThan(TOLERANCE);
    await models.dispose();
    expect(runtime.liveTensors).toBe(0);
  });
});

const BASE = adapterCase('llama, ranks and alphas by pattern');
const GPT2 = adapterCase('gpt2, Conv1D with a wrong flag');
const KEY = 'base_model.model.model.layers.0.self_attn.q_proj.lora_';

describe('an adapter', () => {
  it('gives the same model in its base’s folder, beside it, or opened after it', async () => {
    const base = familyFiles(baseOf(BASE), 'f32');
    const own = adapterFiles(BASE, 'bf16');
    const together = await openModel([...base, ...own.map(({ name, data }) => ({ name, data }))]);
    const opened = await openModel(base);
    const after = await openModel(own, { bases: { opened, others: [] } });
    const again = await openModel(own, { bases: { opened: after, others: [] } });
    const read = ({ model }: typeof after) => Array.from(model.weights.read('w.1.qkv').data as Float32Array);
    expect(read(after)).toEqual(read(together));
    // A second adapter takes the place of the first.
    expect(read(again)).toEqual(read(together));
    expect(read(after)).not.toEqual(read(opened));
    // Rows of a packed tensor that span its parts.
    const whole = after.model.weights.read('w.1.qkv');
    const width = whole.shape[1] as number;
    const part = after.model.weights.read('w.1.qkv', 13, 27);
    expect(part.shape).toEqual([14, width]);
    expect(part.data).toEqual(whole.data.subarray(13 * width, 27 * width));
    expect(after.model.report.notes).toEqual([
      'The adapter is merged as the weights are read: W + s·B·A in float32 for 6 linears, rank 2, 3, 4, s = α/r = 1.25, 2, 2.66667, 4.',
      expect.stringContaining('names "org/tiny" as its base; it is applied to'),
    ]);
    expect(after.model.report.sha256).toBe(together.model.report.sha256);
    expect(after.model.report.sha256).not.toBe(opened.model.report.sha256);
  });

  it('is merged into the model with its base’s name, in preference to the open one', async () => {
    const opened = await openModel(familyFiles(baseOf(GPT2), 'f32'));
    const other = await openModel(
      familyFiles(baseOf(BASE), 'f32').map((file) => ({ ...file, folder: 'x/tiny' })),
    );
    const { base, model } = await openModel(adapterFiles(BASE), { bases: { opened, others: [other] } });
    expect(base).toBe(other);
    expect(model.report.notes?.join()).not.toContain('names "org/tiny"');
  });

  it('written by torch.save has the same weights as its safetensors, which take precedence', async () => {
    expect(pickled.case).toBe(BASE.name);
    const base = familyFiles(baseOf(BASE), 'f32');
    const [config, safetensors] = adapterFiles(BASE) as [NamedFile, NamedFile];
    const bytes = Uint8Array.from(atob(pickled.file), (c) => c.charCodeAt(0));
    const bin = { ...safetensors, name: 'adapter_model.bin', data: new Blob([bytes]) };
    const read = ({ model }: Awaited<ReturnType<typeof openModel>>) => model.weights.read('w.1.qkv').data;
    const expected = await openModel([...base, config, safetensors]);
    const opened = await openModel([...base, config, bin]);
    expect(read(opened)).toEqual(read(expected));
    expect(opened.model.report.notes?.join()).toContain('is a pickle; it was read as data');
    const both = await openModel([...base, config, safetensors, bin]);
    expect(both.model.report.sha256).toBe(expected.model.report.sha256);
    expect(both.model.report.notes?.join()).toContain('adapter_model.bin is ignored');
    // In one folder with its base, it is not mistaken for the base's weights.
    const flat = [...base, config, bin].map(({ name, data }) => ({ name, data }));
    expect(read(await openModel(flat))).toEqual(read(expected));
    const half = { ...bin, data: bin.data.slice(0, bytes.length >> 1) };
    await expect(openModel([...base, config, half])).rejects.toMatchObject({ code: 'file' });
  });

  it('on its own asks for its base by name', async () => {
    await expect(openModel(adapterFiles(BASE))).rejects.toMatchObject({
      code: 'file',
      message: 'these files are an adapter (PEFT, LoRA) without its base model, "org/tiny"',
      hint: expect.stringContaining('Open that model first'),
    });
  });
});

type Change = Parameters<typeof adapterFiles>[2];
const refused: [string, Change, RegExp][] = [
  ['another kind', { config: { peft_type: 'LOHA' } }, /unsupported peft_type "LOHA"; supported: LORA/],
  [
    'a beginning that changes the base',
    { config: { init_lora_weights: 'pissa_niter_4' } },
    /"pissa_niter_4": it changes/,
  ],
  [
    'an option by name',
    { config: { use_qalora: true, layer_replication: [[0, 1]] } },
    /"use_qalora" \(true\), "layer_replication"/,
  ],
  ['grouped B', { config: { enable_lora: [true, false] } }, /"enable_lora"/],
  ['DoRA by its option', { config: { use_dora: true } }, /"use_dora" \(true\)/],
  ['DoRA by its tensors', { tensors: { [`${KEY.slice(0, -1)}_magnitude_vector`]: [16] } }, /DoRA/],
  [
    'an adapted embedding',
    { tensors: { 'base_model.model.model.embed_tokens.lora_embedding_A': [2, 31] } },
    /LoRA on an embedding/,
  ],
  ['a rank that is none', { config: { r: 1.5 } }, /r is 1.5, expected a whole number above 0/],
  [
    'another rank than its tensors',
    { config: { r: 5 } },
    /lora_A.weight" is \[4, 16\]; adapter_config.json and the base make it \[5, 16\]/,
  ],
  [
    'half a pair',
    { tensors: { [`${KEY}B.weight`]: null } },
    /has lora_A of "model.layers.0.self_attn.q_proj" and no lora_B/,
  ],
  [
    'a target without tensors',
    { config: { target_modules: ['q_proj', 'v_proj', 'down_proj', 'k_proj'] } },
    /has no tensors: "model.layers.0.self_attn.k_proj.weight"/,
  ],
  [
    'tensors that are no target',
    { config: { target_modules: ['v_proj', 'down_proj'] } },
    /q_proj", which target_modules of adapter_config.json does not name/,
  ],
  [
    'tensors that are no layer',
    {
      tensors: {
        'base_model.model.model.layers.7.mlp.up_proj.lora_A.weight': [4, 16],
        'base_model.model.model.layers.7.mlp.up_proj.lora_B.weight': [24, 4],
      },
    },
    /which the base model does not have/,
  ],
  [
    'a module to save that is not there',
    { config: { modules_to_save: ['lm_head'] } },
    /names "lm_head", and the adapter’s file lacks "lm_head.weight"/,
  ],
  [
    'a module to save that no model has',
    { config: { modules_to_save: ['score'] } },
    /names "score", which the base model does not have/,
  ],
  [
    'a module nobody asked to save',
    { tensors: { 'base_model.model.model.norm.weight': [16] } },
    /norm.weight", which is not among its target_modules/,
  ],
  [
    'a tensor of nothing',
    { tensors: { 'base_model.model.prompt.weight': [16] } },
    /prompt.weight", which is no part of the base model/,
  ],
  [
    'rows that nobody names',
    { tensors: { 'base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta': [2, 16] } },
    /trainable_token_indices of adapter_config.json does not say which/,
  ],
  [
    'rows with a gap',
    {
      config: { trainable_token_indices: [3, 40] },
      tensors: { 'base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta': [2, 16] },
    },
    /rows beyond the 31/,
  ],
  [
    'an embedding and a head of two sizes',
    {
      config: { modules_to_save: ['embed_tokens', 'lm_head'] },
      tensors: {
        'base_model.model.model.embed_tokens.weight': [33, 16],
        'base_model.model.lm_head.weight': [32, 16],
      },
    },
    /the embedding has 33 rows and the head 32/,
  ],
  [
    'an expression that is not understood',
    { config: { target_modules: '(?=.*q_proj).*' } },
    /target_modules has the expression "\(\?=.*": "\(\?=/,
  ],
];

it.each(refused)('refused by name: %s', async (_name, change, message) => {
  const files: NamedFile[] = [...familyFiles(baseOf(BASE), 'f32'), ...adapterFiles(BASE, 'f32', change)];
  await expect(openModel(files)).rejects.toMatchObject({
    code: expect.stringMatching(/^(file|config)$/),
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/./),
  });
});

it('asks for biases that were trained but not saved', async () => {
  const files = [
    ...familyFiles(baseOf(GPT2), 'f32'),
    ...adapterFiles(GPT2, 'f32', { config: { bias: 'lora_only' } }),
  ];
  await expect(openModel(files)).rejects.toThrow(/its file lacks 8 of 8: "transformer.h.0.attn.c_attn.bias"/);
});

it('refuses an adapter of another model', async () => {
  const files = [...familyFiles(baseOf(GPT2), 'f32'), ...adapterFiles(BASE)];
  await expect(openModel(files)).rejects.toThrow(
    /adapts "model.layers.0.mlp.down_proj", which the base model does not have; it has "transformer/,
  );
});
