import { describe, expect, it } from 'vitest';
import { ConfigError } from '../base/errors';
import { parseModelConfig, storedDTypeOf } from './config';

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
    expect(storedDTypeOf(qwen2)).toBe('bfloat16');
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
    expect(storedDTypeOf(newer)).toBe('float16');
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
  ])('finds the base of RoPE in %s', (_where, fields) => {
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
    });
    expect(config.bosTokenId).toBeUndefined();
    expect(parseModelConfig({ ...llama, head_dim: null, eos_token_id: null }).headDim).toBe(8);
  });

  it('leaves out, with a note, ids that the vocabulary does not have', () => {
    const config = parseModelConfig({ ...llama, eos_token_id: [2, 151645], bos_token_id: -1 });
    expect(config.eosTokenIds).toEqual([2]);
    expect(config.bosTokenId).toBeUndefined();
    expect(config.notes).toEqual([
      'eos_token_id is [2, 151645]; ids beyond the vocabulary (vocab_size 512) are left out.',
    ]);
  });

  it('takes what other readers take: swish, no max_position_embeddings', () => {
    expect(parseModelConfig({ ...llama, hidden_act: 'swish' })).toEqual(parseModelConfig(llama));
    expect(parseModelConfig(without(llama, 'max_position_embeddings')).maxPositions).toBe(2048);
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
    ['no type', {}, 'unsupported model_type missing; supported: llama, qwen2'],
    [
      'gpt_neox',
      { ...llama, model_type: 'gpt_neox' },
      'unsupported model_type "gpt_neox"; supported: llama, qwen2',
    ],
    ['qwen3', { ...qwen2, model_type: 'qwen3' }, 'unsupported model_type "qwen3"; supported: llama, qwen2'],
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
    ['activation', { ...llama, hidden_act: 'gelu' }, 'unsupported hidden_act "gelu"; supported: silu'],
    ['eps zero', { ...llama, rms_norm_eps: 0 }, 'rms_norm_eps is 0'],
    ['theta negative', { ...llama, rope_theta: -1 }, 'rope_theta is -1'],
    [
      'llama3 scaling',
      { ...llama, rope_scaling: { rope_type: 'llama3', factor: 32 } },
      'unsupported rope_scaling type "llama3"',
    ],
    [
      'older scaling',
      { ...llama, rope_scaling: { type: 'linear', factor: 2 } },
      'unsupported rope_scaling type "linear"',
    ],
    [
      'newer scaling',
      { ...llama, rope_parameters: { rope_type: 'yarn' } },
      'unsupported rope_parameters type "yarn"',
    ],
    ['a factor alone', { ...llama, rope_scaling: { factor: 4 } }, 'unsupported rope_scaling field "factor"'],
    [
      'scaling by layer type',
      { ...llama, rope_parameters: { full_attention: { rope_type: 'yarn', factor: 4 } } },
      'unsupported rope_parameters type "yarn"',
    ],
    [
      'partial rotary within',
      { ...llama, rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } },
      'unsupported rope_parameters partial_rotary_factor 0.5',
    ],
    ['scaling a string', { ...llama, rope_scaling: 'x' }, 'rope_scaling is "x"'],
    ['sliding window', { ...qwen2, use_sliding_window: true }, 'unsupported use_sliding_window true'],
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
