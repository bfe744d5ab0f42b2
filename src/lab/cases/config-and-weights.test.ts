/** Cases 05, 06, 10 and 24: what config.json says, and what the weights hold beside it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { casesFolder, type Found, filesOf, normal, parts, tensor, withTensors } from './checkpoints.testing';

const { lens, run, put } = casesFolder();
let plain: readonly number[] = [];
beforeAll(async () => {
  plain = spectrum(await lens(filesOf(await parts())));
}, 120_000);

/** Fails with the refusal where there is one. */
function spectrum({ error, ...found }: Found): readonly number[] {
  expect(error).toBeUndefined();
  return found.sigma ?? [];
}
const of = async (fields: Record<string, unknown>): Promise<Found> => lens(filesOf(await parts(fields)));

describe('case 05: weights that config.json does not name', () => {
  const biases = [0, 1].flatMap((layer) =>
    Object.entries({
      ...{ 'self_attn.q_proj': 16, 'self_attn.k_proj': 8, 'self_attn.v_proj': 8, 'self_attn.o_proj': 16 },
      ...{ 'mlp.gate_proj': 24, 'mlp.up_proj': 24, 'mlp.down_proj': 16 },
    }).map(([name, size], i) =>
      tensor(`model.layers.${layer}.${name}.bias`, [size], normal(size, { seed: 11 + 7 * layer + i })),
    ),
  );

  it('biases that it names are used', async () => {
    const made = await withTensors(biases, { attention_bias: true, mlp_bias: true });
    expect(spectrum(await lens(filesOf(made)))).not.toEqual(plain);
  });

  it('biases that it does not name are refused by name', async () => {
    const { error } = await lens(filesOf(await withTensors(biases)));
    expect(error).toMatch(/_proj\.bias.*attention_bias/);
  });

  it.each([
    ['norms of queries', 'self_attn.q_norm.weight', [4]],
    ['LoRA factors', 'self_attn.q_proj.lora_A.default.weight', [2, 16]],
  ])('%s are refused by name', async (_what, name, shape) => {
    const size = shape.reduce((n, d) => n * d, 1);
    const added = [0, 1].map((layer) =>
      tensor(`model.layers.${layer}.${name}`, shape, normal(size, { seed: 5 + layer, mean: 1 })),
    );
    expect((await lens(filesOf(await withTensors(added)))).error).toContain(name);
  });

  it('rotary buffers of old files are left aside, and said', async () => {
    const buffer = tensor('model.layers.0.self_attn.rotary_emb.inv_freq', [2], [1, 0.01]);
    const found = await lens(filesOf(await withTensors([buffer])));
    expect(spectrum(found)).toEqual(plain);
    expect(found).toMatchObject({ said: expect.stringContaining('rotary_emb.inv_freq') });
  });
});

describe('case 06: where the RoPE base stands', () => {
  /** Without the fields of the plain file. */
  const rope = (fields: Record<string, unknown>) =>
    of({ rope_theta: undefined, rope_scaling: undefined, ...fields });
  const THETA = 500;
  let right: readonly number[] = [];
  beforeAll(async () => {
    right = spectrum(await rope({ rope_theta: THETA }));
    expect(right).not.toEqual(spectrum(await rope({ rope_theta: 10000 })));
  }, 120_000);

  it.each([
    ['rope_parameters with a type', { rope_parameters: { rope_type: 'default', rope_theta: THETA } }],
    ['rope_parameters without a type', { rope_parameters: { rope_theta: THETA } }],
    ['rope_scaling', { rope_scaling: { rope_type: 'default', rope_theta: THETA } }],
    ['rope_scaling, older', { rope_scaling: { type: 'default', rope_theta: THETA } }],
    [
      'rope_parameters by layer type',
      {
        rope_parameters: { full_attention: { rope_type: 'default', rope_theta: THETA } },
        layer_types: ['full_attention', 'full_attention'],
      },
    ],
  ])('%s: the base written there is used', async (_where, fields) => {
    expect(spectrum(await rope(fields))).toEqual(right);
  });

  // Scaling that the case wants refused is computed since; the families' tests hold its states against torch.
  it.each([
    ['linear, under "type"', { rope_scaling: { type: 'linear', factor: 4 } }],
    [
      'llama3, under "rope_type"',
      {
        rope_scaling: {
          ...{ rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
          original_max_position_embeddings: 128,
        },
      },
    ],
    [
      'YaRN, by layer type',
      { rope_parameters: { full_attention: { rope_type: 'yarn', factor: 4, rope_theta: 10000 } } },
    ],
  ])('%s: the scaling is used', async (_what, fields) => {
    const scaled = spectrum(await rope({ rope_theta: 10000, ...fields }));
    expect(scaled).not.toEqual(spectrum(await rope({ rope_theta: 10000 })));
  });

  it.each([
    ['a factor without a type', { rope_scaling: { factor: 4 } }],
    ['a part of each head, at the top', { partial_rotary_factor: 0.5 }],
    [
      'a part of each head, within rope_parameters',
      { rope_parameters: { rope_type: 'default', rope_theta: 10000, partial_rotary_factor: 0.5 } },
    ],
  ])('%s: refused by name', async (_what, fields) => {
    expect((await rope({ rope_theta: 10000, ...fields })).error).toMatch(/rope|rotary/);
  });
});

describe('case 10: JSON as tools write it', () => {
  const withConfig = async (change: (text: string) => string | Uint8Array): Promise<Found> => {
    const made = await parts();
    return lens({ ...filesOf(made), 'config.json': change(JSON.stringify(made.config, null, 2)) });
  };

  it('a byte order mark, and CRLF: read', async () => {
    expect(spectrum(await withConfig((text) => `\ufeff${text}`))).toEqual(plain);
    expect(spectrum(await withConfig((text) => text.replaceAll('\n', '\r\n')))).toEqual(plain);
  });

  it.each<[string, (text: string) => string | Uint8Array, RegExp]>([
    ['UTF-16', (text) => Buffer.from(`\ufeff${text}`, 'utf16le'), /UTF-16/],
    ['NaN', (text) => text.replace('"hidden_size"', '"initializer_range": NaN,\n"hidden_size"'), /NaN/],
    [
      'a key twice',
      (text) => text.replace('"hidden_size"', '"torch_dtype": "float32",\n"hidden_size"'),
      /"torch_dtype" appears twice/,
    ],
  ])('%s: named', async (_what, change, words) => {
    expect((await withConfig(change)).error).toMatch(words);
  });

  it('a run file that an editor saved again repeats on the command line', async () => {
    const config = {
      ...{ method: 'nocot', optimiser: { steps: 1 }, data: { heldOut: 0, validation: 0, samples: 8 } },
      ...{ observation: { every: 0 }, evaluation: { every: 0 } },
    };
    const text = JSON.stringify({ kind: 'lori-run', config, models: {} }, null, 2);
    const path = put('run.json', `\ufeff${text.replaceAll('\n', '\r\n')}`);
    const { json } = await run('distil', '--config', path);
    expect(json).toMatchObject({ steps: [{ step: 1 }] });
  });
});

describe('case 24: odd values of config.json', () => {
  it.each<[string, Record<string, unknown>]>([
    ['eos_token_id a list', { eos_token_id: [2, 1, 0] }],
    ['no end and no begin token', { eos_token_id: null, bos_token_id: null }],
    ['eos_token_id beyond the vocabulary', { eos_token_id: 151_645 }],
    ['begin and pad token −1', { bos_token_id: -1, pad_token_id: -1 }],
    ['dtype for torch_dtype', { torch_dtype: undefined, dtype: 'float32' }],
    ['head_dim null', { head_dim: null }],
    ['head_dim given', { head_dim: 4 }],
    ['attention_bias null', { attention_bias: null }],
    ['no word on biases', { mlp_bias: undefined, attention_bias: undefined }],
    ['swish', { hidden_act: 'swish' }],
    ['no activation', { hidden_act: undefined }],
    ['no max_position_embeddings', { max_position_embeddings: undefined }],
    ['rope_theta a whole number', { rope_theta: 10000 }],
    ['no rope_theta', { rope_theta: undefined }],
    ['pretraining_tp', { pretraining_tp: 2 }],
    ['sliding_window, which LLaMA does not read', { sliding_window: 4 }],
    [
      'unknown fields',
      {
        ...{ _name_or_path: '', use_cache: false, is_llama_config: true, rope_interleaved: false },
        ...{ transformers_version: '4.40.0', foo: { bar: [1, 2] } },
      },
    ],
    ['another head on the same body', { architectures: ['LlamaForSequenceClassification'] }],
  ])('%s: opens with the same states', async (_what, fields) => {
    expect(spectrum(await of(fields))).toEqual(plain);
  });

  it('a number written as text is refused by name', async () => {
    expect((await of({ rms_norm_eps: '1e-05' })).error).toContain('rms_norm_eps');
  });

  it('fewer key heads than config.json says: refused by shape', async () => {
    expect((await of({ num_key_value_heads: undefined })).error).toMatch(/k_proj.*\[8, 16\].*\[16, 16\]/);
  });
});
