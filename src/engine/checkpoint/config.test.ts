import { describe, expect, it } from 'vitest';
import { ConfigError } from '../base/errors';
import { parseModelConfig } from './config';

const llama = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  vocab_size: 512,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  rope_scaling: null,
  hidden_act: 'silu',
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
};
const qwen2 = {
  model_type: 'qwen2',
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 151936,
  max_position_embeddings: 32768,
  max_window_layers: 24,
  sliding_window: 32768,
  use_sliding_window: false,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  tie_word_embeddings: true,
  bos_token_id: 151643,
  eos_token_id: [151645, 151643],
  torch_dtype: 'bfloat16',
};
const qwen3 = {
  ...qwen2,
  model_type: 'qwen3',
  hidden_size: 1024,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  attention_bias: false,
};
const gpt2 = {
  model_type: 'gpt2',
  activation_function: 'gelu_new',
  architectures: ['GPT2LMHeadModel'],
  attn_pdrop: 0.1,
  bos_token_id: 50256,
  embd_pdrop: 0.1,
  eos_token_id: 50256,
  initializer_range: 0.02,
  layer_norm_epsilon: 1e-5,
  n_ctx: 1024,
  n_embd: 768,
  n_head: 12,
  n_layer: 12,
  n_positions: 1024,
  resid_pdrop: 0.1,
  summary_activation: null,
  summary_first_dropout: 0.1,
  summary_proj_to_labels: true,
  summary_type: 'cls_index',
  summary_use_proj: true,
  task_specific_params: { 'text-generation': { do_sample: true, max_length: 50 } },
  vocab_size: 50257,
};
const LLAMA3 = {
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const without = (json: object, ...keys: string[]) =>
  Object.fromEntries(Object.entries(json).filter(([key]) => !keys.includes(key)));

describe('parseModelConfig', () => {
  it('reads a llama configuration', () => {
    expect(parseModelConfig(llama)).toEqual({
      modelType: 'llama',
      hiddenSize: 64,
      intermediateSize: 172,
      layers: 5,
      heads: 8,
      kvHeads: 4,
      headDim: 8,
      vocabSize: 512,
      maxPositions: 512,
      normEps: 1e-5,
      ropeTheta: 10000,
      tieWordEmbeddings: true,
      attentionBias: false,
      attentionOutputBias: false,
      mlpBias: false,
      eosTokenIds: [2],
      bosTokenId: 1,
      notes: [],
    });
  });

  it('reads a qwen2 configuration: biases on q, k, v only, several end tokens', () => {
    const config = parseModelConfig(qwen2);
    expect(config).toMatchObject({ headDim: 64, kvHeads: 2, ropeTheta: 1e6, eosTokenIds: [151645, 151643] });
    expect([config.attentionBias, config.attentionOutputBias, config.mlpBias]).toEqual([true, false, false]);
  });

  it('reads a qwen3 configuration: norms of queries and keys, head_dim of its own, no biases', () => {
    const config = parseModelConfig(qwen3);
    expect(config).toMatchObject({ qkNorm: true, headDim: 128, attentionBias: false, notes: [] });
    expect(parseModelConfig({ ...qwen3, attention_bias: true })).toMatchObject({
      attentionBias: true,
      attentionOutputBias: true,
    });
    expect(parseModelConfig(without(qwen3, 'head_dim'))).toMatchObject({
      headDim: 128,
      notes: ['config.json lacks head_dim; the default of transformers, 128, is used.'],
    });
    expect(parseModelConfig(qwen2).qkNorm).toBeUndefined();
  });

  it('reads a gpt2 configuration as published', () => {
    expect(parseModelConfig(gpt2)).toEqual({
      modelType: 'gpt2',
      hiddenSize: 768,
      intermediateSize: 3072,
      layers: 12,
      heads: 12,
      kvHeads: 12,
      headDim: 64,
      vocabSize: 50257,
      maxPositions: 1024,
      norm: 'layer',
      normEps: 1e-5,
      positions: 'learned',
      ropeTheta: 10000,
      activation: 'gelu_new',
      weightNames: 'gpt2',
      tieWordEmbeddings: true,
      attentionBias: true,
      attentionOutputBias: true,
      mlpBias: true,
      eosTokenIds: [50256],
      bosTokenId: 50256,
      notes: [],
    });
  });

  it('reads gpt2 under the names of other families, and refuses two that disagree', () => {
    const aliases = {
      n_embd: 'hidden_size',
      n_layer: 'num_hidden_layers',
      n_head: 'num_attention_heads',
      n_positions: 'max_position_embeddings',
    };
    const renamed: Record<string, unknown> = { ...gpt2, n_inner: null, scale_attn_weights: true };
    for (const [old, name] of Object.entries(aliases)) {
      renamed[name] = renamed[old];
      delete renamed[old];
    }
    expect(parseModelConfig(renamed)).toEqual(parseModelConfig(gpt2));
    expect(parseModelConfig({ ...gpt2, hidden_size: 768, n_inner: 100 }).intermediateSize).toBe(100);
    expect(() => parseModelConfig({ ...gpt2, hidden_size: 512 })).toThrow(
      'n_embd is 768 and hidden_size is 512: two names of one field',
    );
  });

  it.each([
    ['rope_scaling', { rope_scaling: { rope_type: 'llama3', ...LLAMA3 }, rope_theta: 5e5 }],
    ['rope_scaling, older', { rope_scaling: { type: 'llama3', ...LLAMA3 }, rope_theta: 5e5 }],
    ['rope_parameters', { rope_parameters: { rope_type: 'llama3', ...LLAMA3, rope_theta: 5e5 } }],
    [
      'rope_parameters by layer type',
      { rope_parameters: { full_attention: { rope_type: 'llama3', ...LLAMA3, rope_theta: 5e5 } } },
    ],
    [
      'both places',
      {
        rope_parameters: { rope_type: 'llama3', ...LLAMA3, rope_theta: 5e5 },
        rope_scaling: { rope_type: 'llama3', ...LLAMA3 },
      },
    ],
  ])('reads the scaling of Llama 3 in %s', (_where, fields) => {
    expect(parseModelConfig({ ...without(llama, 'rope_theta', 'rope_scaling'), ...fields })).toMatchObject({
      ropeTheta: 5e5,
      ropeScaling: {
        type: 'llama3',
        factor: 32,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalMaxPositions: 8192,
      },
      notes: [],
    });
  });

  it('reads linear and YaRN scaling, and says where dynamic scaling has no effect and where readers differ', () => {
    const scaled = (rope_scaling: object) => {
      const { ropeScaling, notes } = parseModelConfig({ ...llama, rope_scaling });
      return { ropeScaling, notes };
    };
    expect(scaled({ type: 'linear', factor: 2 })).toEqual({
      ropeScaling: { type: 'linear', factor: 2 },
      notes: [],
    });
    const { max_position_embeddings: positions } = llama as { max_position_embeddings: number };
    const yarn = {
      ...{ type: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, originalMaxPositions: positions },
      attentionFactor: 0.1 * Math.log(4) + 1,
    };
    expect(scaled({ rope_type: 'yarn', factor: 4 })).toEqual({ ropeScaling: yarn, notes: [] });
    const original = { original_max_position_embeddings: positions };
    expect(scaled({ rope_type: 'yarn', factor: 4, ...original, attention_factor: 1 })).toEqual({
      ropeScaling: { ...yarn, attentionFactor: 1 },
      notes: [expect.stringContaining("YaRN's factor is 4, as written; versions 4.46 to 4.55")],
    });
    // As published with long contexts, and as newer files write the usual rounding.
    const published = { type: 'yarn', factor: 4, finetuned: true, truncate: true };
    expect(scaled(published)).toEqual({ ropeScaling: yarn, notes: [] });
    expect(scaled({ type: 'dynamic', factor: 4 })).toEqual({
      ropeScaling: undefined,
      notes: [expect.stringContaining(`changes nothing within ${positions} positions`)],
    });
  });

  it('says which of two RoPE bases it takes', () => {
    const { ropeTheta, notes } = parseModelConfig({ ...llama, rope_parameters: { rope_theta: 5e5 } });
    expect([ropeTheta, notes]).toEqual([
      5e5,
      ['rope_theta is 500000 in rope_parameters and 10000 beside it; 500000 is used, as transformers does.'],
    ]);
  });

  it('names unknown fields, and ignores those that are known to be harmless or switched off', () => {
    const { notes } = parseModelConfig({
      ...llama,
      foo: { bar: [1, 2] },
      flavour: 'mild',
      use_cache: false,
      attention_dropout: 0.1,
      mask_token_id: 4,
      rope_interleaved: false,
      qk_layernorm: false,
      'transformers.js_config': { kv_cache_dtype: { q4f16: 'float16' } },
      embedding_multiplier: 1,
      some_attention_thing: null,
    });
    expect(notes).toEqual(['Fields of config.json that are unknown and not used: "foo", "flavour".']);
  });

  it.each([
    ['is_causal', false, llama],
    ['is_causal', false, gpt2],
    ['causal', false, qwen2],
    ['use_rope', false, llama],
    ['use_rope', true, gpt2],
    ['pre_norm', false, llama],
    ['gated_mlp', false, qwen2],
    ['bidirectional', true, llama],
    ['prefix_lm', true, llama],
    ['dim_model_base', 256, llama],
    ['swiglu_limit', 7, llama],
    ['logits_divisor', 2, llama],
    ['use_mup', true, llama],
  ])('refuses %s: %s, which changes the network', (name, value, config) => {
    expect(() => parseModelConfig({ ...config, [name]: value })).toThrow(name);
  });

  it('takes such fields where they say what is computed anyway', () => {
    const same = { is_causal: true, use_rope: true, pre_norm: true, bidirectional: false, use_mup: false };
    expect(parseModelConfig({ ...llama, ...same, warmup_ratio: 0.1 }).notes).toEqual([
      'Fields of config.json that are unknown and not used: "warmup_ratio".',
    ]);
    expect(parseModelConfig({ ...gpt2, use_rope: false, is_causal: null }).notes).toEqual([]);
  });

  it('takes a sliding window that no layer has, or that holds all positions', () => {
    const windows = { ...qwen2, use_sliding_window: true };
    for (const fields of [
      { max_window_layers: 24 },
      { max_window_layers: 0, sliding_window: 32768 },
      { max_window_layers: 0, sliding_window: 4096, layer_types: ['full_attention'] },
    ])
      expect(parseModelConfig({ ...windows, ...fields })).toEqual(parseModelConfig(qwen2));
    for (const fields of [
      { max_window_layers: 23, sliding_window: 4096 },
      { max_window_layers: null, sliding_window: null },
    ])
      expect(() => parseModelConfig({ ...windows, ...fields })).toThrow(
        'unsupported use_sliding_window true',
      );
  });

  it('notes a pad token beyond the vocabulary', () => {
    expect(parseModelConfig({ ...llama, pad_token_id: 99_999 }).notes).toEqual([
      expect.stringMatching(/^pad_token_id is 99999, beyond the vocabulary/),
    ]);
    for (const pad of [null, -1, 0])
      expect(parseModelConfig({ ...llama, pad_token_id: pad }).notes).toEqual([]);
  });

  it('accepts published latent-reasoning models, and says that their latents are made differently here', () => {
    const { notes } = parseModelConfig({
      ...gpt2,
      latent_id: 50259,
      latent_start_id: 50257,
      projector: true,
      projector_hidden_size: 768,
    });
    expect(notes).toEqual([
      'Fields of config.json about latents, which are made here as a run’s settings say: "latent_id", "latent_start_id", "projector", "projector_hidden_size".',
    ]);
  });

  it('honours llama biases and an explicit head_dim', () => {
    const config = parseModelConfig({ ...llama, attention_bias: true, mlp_bias: true, head_dim: 24 });
    expect(config).toMatchObject({
      attentionBias: true,
      attentionOutputBias: true,
      mlpBias: true,
      headDim: 24,
    });
  });

  it('reads the newer fields', () => {
    const newer = {
      ...without(qwen2, 'rope_theta', 'torch_dtype'),
      dtype: 'float16',
      layer_types: ['full_attention'],
    };
    const config = parseModelConfig({ ...newer, rope_parameters: { rope_theta: 5e5, rope_type: 'default' } });
    expect(config.ropeTheta).toBe(5e5);
    expect(
      parseModelConfig({ ...newer, rope_theta: 7e5, rope_parameters: { rope_type: 'default' } }).ropeTheta,
    ).toBe(7e5);
  });

  it.each([
    ['rope_parameters', { rope_parameters: { rope_theta: 5e5 } }],
    [
      'rope_parameters by layer type',
      { rope_parameters: { full_attention: { rope_type: 'default', rope_theta: 5e5 } } },
    ],
    ['rope_scaling', { rope_scaling: { rope_type: 'default', rope_theta: 5e5 } }],
    ['rope_scaling, older', { rope_scaling: { type: 'default', rope_theta: 5e5 } }],
    ['both places', { rope_theta: 1e4, rope_parameters: { rope_theta: 5e5, partial_rotary_factor: 1 } }],
  ])('finds the RoPE base in %s', (_where, fields) => {
    expect(parseModelConfig({ ...without(llama, 'rope_theta', 'rope_scaling'), ...fields }).ropeTheta).toBe(
      5e5,
    );
  });

  it('fills in what older files leave out', () => {
    const config = parseModelConfig(
      without(
        llama,
        'num_key_value_heads',
        'rope_theta',
        'rope_scaling',
        'hidden_act',
        'tie_word_embeddings',
        'bos_token_id',
        'eos_token_id',
        'rms_norm_eps',
      ),
    );
    expect(config).toMatchObject({
      kvHeads: 8,
      ropeTheta: 10000,
      tieWordEmbeddings: false,
      eosTokenIds: [],
      normEps: 1e-6,
      notes: [
        'config.json lacks rms_norm_eps; the default of transformers, 0.000001, is used.',
        'config.json lacks rope_theta; the default of transformers, 10000, is used.',
      ],
    });
    expect(config.bosTokenId).toBeUndefined();
    expect(parseModelConfig({ ...llama, head_dim: null, eos_token_id: null }).headDim).toBe(8);
  });

  it('leaves out, with a note, ids outside the vocabulary', () => {
    const config = parseModelConfig({ ...llama, eos_token_id: [2, 151645], bos_token_id: -1 });
    expect(config.eosTokenIds).toEqual([2]);
    expect(config.bosTokenId).toBeUndefined();
    expect(config.notes).toEqual([
      'eos_token_id is [2, 151645]; ids beyond the vocabulary (vocab_size 512) are left out.',
    ]);
  });

  it('accepts what other readers accept: swish, no max_position_embeddings', () => {
    expect(parseModelConfig({ ...llama, hidden_act: 'swish' })).toEqual(parseModelConfig(llama));
    expect(parseModelConfig(without(llama, 'max_position_embeddings'))).toMatchObject({
      maxPositions: 2048,
      notes: ['config.json lacks max_position_embeddings; the default of transformers, 2048, is used.'],
    });
    expect(parseModelConfig(without(qwen2, 'max_position_embeddings')).maxPositions).toBe(32768);
  });

  const deep = (depth: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  };
  const cases: [string, unknown, string][] = [
    ['null', null, 'config is null, expected a JSON object'],
    ['a list', [llama], 'expected a JSON object'],
    ['no type', {}, 'unsupported model_type missing; supported: llama, qwen2, qwen3, gpt2'],
    [
      'gpt_neox',
      { ...llama, model_type: 'gpt_neox' },
      'unsupported model_type "gpt_neox"; supported: llama, qwen2, qwen3, gpt2',
    ],
    ['qwen4', { ...qwen2, model_type: 'qwen4' }, 'unsupported model_type "qwen4"'],
    [
      'gpt2 without 1/√d',
      { ...gpt2, scale_attn_weights: false },
      'unsupported scale_attn_weights false; supported: true',
    ],
    [
      'gpt2 scaled by layer',
      { ...gpt2, scale_attn_by_inverse_layer_idx: true },
      'unsupported scale_attn_by_inverse_layer_idx true; supported: false',
    ],
    ['gpt2 with an encoder', { ...gpt2, add_cross_attention: true }, 'unsupported add_cross_attention true'],
    [
      'gpt2, another activation',
      { ...gpt2, activation_function: 'relu' },
      'unsupported activation_function "relu"; supported: gelu_new',
    ],
    ['gpt2, no size', without(gpt2, 'n_embd'), 'n_embd is missing'],
    ['gpt2, heads', { ...gpt2, n_head: 7 }, 'n_embd 768 is not a multiple of n_head 7'],
    ['a multiplier', { ...llama, embedding_multiplier: 12 }, 'unsupported embedding_multiplier 12'],
    ['soft capping', { ...llama, attn_logit_softcapping: 50 }, 'unsupported attn_logit_softcapping 50'],
    ['experts', { ...llama, num_local_experts: 8 }, 'unsupported num_local_experts 8'],
    [
      'an unknown field of the network',
      { ...llama, no_rope_layers: [1, 1, 0] },
      'unsupported field "no_rope_layers" ([1, 1, 0]): it is unknown, and its name suggests that it changes the network',
    ],
    ['inherited type', Object.create(llama), 'unsupported model_type missing'],
    [
      'no size',
      without(llama, 'hidden_size'),
      'hidden_size is missing, expected a whole number from 1 to 65536',
    ],
    ['size as string', { ...llama, hidden_size: '64' }, 'hidden_size is "64"'],
    ['size zero', { ...llama, vocab_size: 0 }, 'vocab_size is 0'],
    ['fraction', { ...llama, num_hidden_layers: 2.5 }, 'num_hidden_layers is 2.5'],
    ['absurd', { ...llama, num_hidden_layers: 1e9 }, 'num_hidden_layers is 1000000000'],
    ['NaN', { ...llama, intermediate_size: Number.NaN }, 'intermediate_size is NaN'],
    [
      'H not divisible',
      { ...llama, hidden_size: 65 },
      'hidden_size 65 is not a multiple of num_attention_heads 8',
    ],
    [
      'heads not divisible',
      { ...llama, num_key_value_heads: 3 },
      '8 is not a multiple of num_key_value_heads 3',
    ],
    ['odd head', { ...llama, head_dim: 7 }, 'head_dim 7 is odd'],
    ['activation', { ...llama, hidden_act: 'gelu' }, 'unsupported hidden_act "gelu"; supported: silu, swish'],
    ['eps zero', { ...llama, rms_norm_eps: 0 }, 'rms_norm_eps is 0'],
    ['theta negative', { ...llama, rope_theta: -1 }, 'rope_theta is -1'],
    [
      'llama3 scaling',
      { ...llama, rope_scaling: { rope_type: 'llama3', factor: 32 } },
      'rope_scaling of type llama3 lacks low_freq_factor',
    ],
    [
      'llama3 scaling, bands the wrong way round',
      { ...llama, rope_scaling: { rope_type: 'llama3', ...LLAMA3, low_freq_factor: 4 } },
      'high_freq_factor is 4, low_freq_factor 4; expected a larger',
    ],
    [
      'llama3 scaling, a further field',
      { ...llama, rope_scaling: { rope_type: 'llama3', ...LLAMA3, attention_factor: 2 } },
      'unsupported rope_scaling field "attention_factor"',
    ],
    [
      'two scalings',
      {
        ...llama,
        rope_scaling: { rope_type: 'llama3', ...LLAMA3 },
        rope_parameters: { rope_type: 'default', rope_theta: 1e4 },
      },
      'rope_parameters and rope_scaling ask for different scalings',
    ],
    [
      'two bases',
      {
        ...without(llama, 'rope_theta'),
        rope_scaling: { rope_type: 'default', rope_theta: 5e5 },
        rope_parameters: { rope_type: 'default', rope_theta: 1e6 },
      },
      'rope_theta is 1000000 in rope_parameters and 500000 in rope_scaling',
    ],
    [
      'longrope',
      { ...llama, rope_scaling: { type: 'longrope', short_factor: [1], long_factor: [2] } },
      'unsupported rope_scaling type "longrope"; supported: default, linear, dynamic, llama3, yarn',
    ],
    [
      'a name of Object',
      { ...llama, rope_scaling: { type: 'constructor' } },
      'unsupported rope_scaling type',
    ],
    [
      'linear scaling without a factor',
      { ...llama, rope_scaling: { type: 'linear' } },
      'rope_scaling of type linear lacks factor',
    ],
    [
      'yarn without a factor',
      { ...llama, rope_parameters: { rope_type: 'yarn' } },
      'rope_parameters of type yarn lacks factor',
    ],
    [
      'yarn, turns the wrong way round',
      { ...llama, rope_scaling: { rope_type: 'yarn', factor: 4, beta_fast: 1 } },
      'beta_fast is 1, beta_slow 1; expected a larger beta_fast',
    ],
    [
      'yarn as DeepSeek has it',
      { ...llama, rope_scaling: { rope_type: 'yarn', factor: 40, mscale: 1 } },
      'unsupported rope_scaling field "mscale"',
    ],
    [
      'yarn without rounding',
      { ...llama, rope_scaling: { rope_type: 'yarn', factor: 4, truncate: false } },
      'unsupported rope_scaling truncate false',
    ],
    ['a factor alone', { ...llama, rope_scaling: { factor: 4 } }, 'unsupported rope_scaling field "factor"'],
    [
      'scaling by layer type',
      { ...llama, rope_parameters: { full_attention: { rope_type: 'longrope', factor: 4 } } },
      'unsupported rope_parameters type "longrope"',
    ],
    [
      'partial rotary within',
      { ...llama, rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } },
      'unsupported rope_parameters partial_rotary_factor 0.5',
    ],
    ['scaling a string', { ...llama, rope_scaling: 'x' }, 'rope_scaling is "x"'],
    [
      'sliding window',
      { ...qwen2, use_sliding_window: true, sliding_window: 4096, max_window_layers: 12 },
      'unsupported use_sliding_window true',
    ],
    [
      'layer types',
      { ...qwen2, layer_types: ['sliding_attention'] },
      'unsupported layer_types ["sliding_attention"]',
    ],
    ['quantised', { ...qwen2, quantization_config: { bits: 4 } }, 'unsupported quantization_config'],
    ['partial rotary', { ...llama, partial_rotary_factor: 0.5 }, 'unsupported partial_rotary_factor 0.5'],
    ['flag a string', { ...llama, tie_word_embeddings: 'true' }, 'tie_word_embeddings is "true"'],
    [
      'end token a text',
      { ...llama, eos_token_id: [2, '3'] },
      'eos_token_id is [2, "3"], expected token ids',
    ],
    ['begin token negative', { ...llama, bos_token_id: -2 }, 'bos_token_id is -2'],
    ['deep', { ...llama, hidden_act: deep(100_000) }, 'unsupported hidden_act [a list]'],
  ];
  it.each(cases)('refuses: %s', (_name, json, message) => {
    expect(() => parseModelConfig(json)).toThrow(ConfigError);
    expect(() => parseModelConfig(json)).toThrow(message);
  });
});
