/** What a config.json says about the decoder, by family. Missing fields take the defaults of transformers. */
import type { DecoderConfig } from '../base/decoder-config';
import { ConfigError } from '../base/errors';
import {
  CORRECT,
  count,
  dividedHidden,
  flag,
  isAbsent,
  nameOf,
  noteDefault,
  OTHER,
  positive,
} from './config-fields';
import { ropeOf } from './config-rope';
import { type JsonObject, own, quote } from './json';

export const MODEL_TYPES = ['llama', 'qwen2', 'qwen3', 'gpt2'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

export type FamilyConfig = DecoderConfig & { readonly maxPositions: number };

const MAX_POSITIONS: Readonly<Record<ModelType, number>> = {
  llama: 2048,
  qwen2: 32768,
  qwen3: 32768,
  gpt2: 1024,
};
/** Qwen3's heads are as wide as this, whatever their number. */
const QWEN3_HEAD_DIM = 128;

/** Names that different releases give to one function. */
const SILU = ['silu', 'swish'];
const GELU_NEW = ['gelu_new', 'gelu_pytorch_tanh', 'gelu_fast'];

export const familyConfig = (type: ModelType, json: JsonObject, notes: string[]): FamilyConfig =>
  type === 'gpt2' ? gpt2(json, notes) : rotary(type, json, notes);

/** LLaMA, Qwen2 and Qwen3: RMSNorm, RoPE, SwiGLU. */
function rotary(type: Exclude<ModelType, 'gpt2'>, json: JsonObject, notes: string[]): FamilyConfig {
  const hiddenSize = count(json, 'hidden_size', 65536);
  const heads = count(json, 'num_attention_heads', 1024);
  const kvHeads = isAbsent(json, 'num_key_value_heads') ? heads : count(json, 'num_key_value_heads', 1024);
  if (heads % kvHeads !== 0) {
    throw new ConfigError(
      `num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`,
      CORRECT,
    );
  }
  const headDim = headDimOf(type, json, [hiddenSize, heads], notes);
  refuseActivation(json, 'hidden_act', 'silu', SILU);
  const bias = flag(json, 'attention_bias', false);
  return {
    hiddenSize,
    intermediateSize: count(json, 'intermediate_size', 2 ** 20),
    layers: count(json, 'num_hidden_layers', 1024),
    heads,
    kvHeads,
    headDim,
    vocabSize: count(json, 'vocab_size', 2 ** 22),
    maxPositions: maxPositions(type, json, 'max_position_embeddings', notes),
    normEps: epsilon(json, 'rms_norm_eps', 1e-6, notes),
    ...ropeOf(json, notes),
    ...(type === 'qwen3' && { qkNorm: true }),
    tieWordEmbeddings: flag(json, 'tie_word_embeddings', false),
    // Qwen2 always has biases on q, k and v, and on no other linear, whatever its file says.
    attentionBias: type === 'qwen2' || bias,
    attentionOutputBias: type !== 'qwen2' && bias,
    mlpBias: type === 'llama' && flag(json, 'mlp_bias', false),
  };
}

function headDimOf(
  type: ModelType,
  json: JsonObject,
  [hiddenSize, heads]: readonly [number, number],
  notes: string[],
): number {
  const standard = (): number => {
    if (type !== 'qwen3') return dividedHidden(['hidden_size', hiddenSize], ['num_attention_heads', heads]);
    noteDefault(notes, 'head_dim', QWEN3_HEAD_DIM);
    return QWEN3_HEAD_DIM;
  };
  const headDim = isAbsent(json, 'head_dim') ? standard() : count(json, 'head_dim', 1024);
  if (headDim % 2 !== 0)
    throw new ConfigError(`head_dim ${headDim} is odd, expected an even one, as RoPE rotates pairs`, CORRECT);
  return headDim;
}

/** GPT-2: LayerNorm, learned positions, GELU, biases everywhere. transformers also takes LLaMA's names for its sizes. */
function gpt2(json: JsonObject, notes: string[]): FamilyConfig {
  const named = (max: number, ...names: readonly [string, ...string[]]): [string, number] => {
    const name = nameOf(json, ...names);
    return [name, count(json, name, max)];
  };
  const hidden = named(65536, 'n_embd', 'hidden_size');
  const heads = named(1024, 'n_head', 'num_attention_heads');
  const headDim = dividedHidden(hidden, heads);
  const inner = nameOf(json, 'n_inner', 'intermediate_size');
  const activation = nameOf(json, 'activation_function', 'hidden_act');
  refuseActivation(json, activation, 'gelu_new', GELU_NEW);
  return {
    hiddenSize: hidden[1],
    intermediateSize: isAbsent(json, inner) ? 4 * hidden[1] : count(json, inner, 2 ** 20),
    layers: named(1024, 'n_layer', 'num_hidden_layers')[1],
    heads: heads[1],
    kvHeads: heads[1],
    headDim,
    vocabSize: count(json, 'vocab_size', 2 ** 22),
    maxPositions: maxPositions('gpt2', json, nameOf(json, 'n_positions', 'max_position_embeddings'), notes),
    norm: 'layer',
    normEps: epsilon(json, nameOf(json, 'layer_norm_epsilon', 'layer_norm_eps'), 1e-5, notes),
    positions: 'learned',
    ropeTheta: 10000,
    activation: 'gelu_new',
    weightNames: 'gpt2',
    tieWordEmbeddings: flag(json, 'tie_word_embeddings', true),
    attentionBias: true,
    attentionOutputBias: true,
    mlpBias: true,
  };
}

function maxPositions(type: ModelType, json: JsonObject, key: string, notes: string[]): number {
  if (!isAbsent(json, key)) return count(json, key, 2 ** 24);
  noteDefault(notes, key, MAX_POSITIONS[type]);
  return MAX_POSITIONS[type];
}

function epsilon(json: JsonObject, key: string, standard: number, notes: string[]): number {
  if (isAbsent(json, key)) noteDefault(notes, key, standard);
  return positive(json, key, standard, 1);
}

function refuseActivation(
  json: JsonObject,
  key: string,
  standard: string,
  supported: readonly string[],
): void {
  const value = own(json, key) ?? standard;
  if (!supported.includes(value as string))
    throw new ConfigError(`unsupported ${key} ${quote(value)}; supported: ${supported.join(', ')}`, OTHER);
}
