/**
 * Hugging Face config.json → what the decoder needs. Field names differ between releases: `rope_parameters` holds
 * `rope_theta` and the scaling in newer files, `rope_theta` and `rope_scaling` in older ones. Anything that would
 * change the network and is not implemented is refused, never ignored.
 */
import type { DecoderConfig } from '../base/decoder-config';
import { ConfigError } from '../base/errors';
import { isJsonObject, type JsonObject, own, quote } from './json';

export const MODEL_TYPES = ['llama', 'qwen2'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

/** What a config.json tells: the decoder and what goes with it. */
export interface ModelConfig extends DecoderConfig {
  readonly modelType: ModelType;
  readonly maxPositions: number;
  /** Ids that end a text, possibly none. */
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId: number | undefined;
  /** What the file says that was left out, or filled in otherwise than it says, a sentence each. */
  readonly notes: readonly string[];
}

/** Parsed config.json → `ModelConfig`. Throws `ConfigError` naming the field, its value and what is supported. */
export function parseModelConfig(json: unknown): ModelConfig {
  if (!isJsonObject(json))
    throw new ConfigError(
      `config is ${quote(json)}, expected a JSON object`,
      'Choose the config.json of the checkpoint.',
    );
  const modelType = own(json, 'model_type');
  if (!isModelType(modelType)) {
    throw new ConfigError(
      `unsupported model_type ${quote(modelType)}; supported: ${MODEL_TYPES.join(', ')}`,
      'Choose a checkpoint of a supported family.',
    );
  }
  const hiddenSize = count(json, 'hidden_size', 65536);
  const heads = count(json, 'num_attention_heads', 1024);
  const kvHeads = isAbsent(json, 'num_key_value_heads') ? heads : count(json, 'num_key_value_heads', 1024);
  if (heads % kvHeads !== 0) {
    throw new ConfigError(
      `num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`,
      CORRECT,
    );
  }
  if (isAbsent(json, 'head_dim') && hiddenSize % heads !== 0) {
    throw new ConfigError(
      `hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}, and there is no head_dim`,
      CORRECT,
    );
  }
  const headDim = isAbsent(json, 'head_dim') ? hiddenSize / heads : count(json, 'head_dim', 1024);
  if (headDim % 2 !== 0)
    throw new ConfigError(`head_dim ${headDim} is odd, expected an even one, as RoPE turns pairs`, CORRECT);
  const vocabSize = count(json, 'vocab_size', 2 ** 22);
  refuseUnsupported(json);
  const notes: string[] = [];
  const attentionBias = modelType === 'qwen2' || flag(json, 'attention_bias', false);
  return {
    modelType,
    hiddenSize,
    intermediateSize: count(json, 'intermediate_size', 2 ** 20),
    layers: count(json, 'num_hidden_layers', 1024),
    heads,
    kvHeads,
    headDim,
    vocabSize,
    maxPositions: isAbsent(json, 'max_position_embeddings')
      ? MAX_POSITIONS[modelType]
      : count(json, 'max_position_embeddings', 2 ** 24),
    normEps: positive(json, 'rms_norm_eps', 1e-6, 1),
    ropeTheta: ropeTheta(json),
    tieWordEmbeddings: flag(json, 'tie_word_embeddings', false),
    attentionBias,
    attentionOutputBias: modelType === 'llama' && attentionBias,
    mlpBias: modelType === 'llama' && flag(json, 'mlp_bias', false),
    eosTokenIds: tokenIds(json, 'eos_token_id', vocabSize, notes),
    bosTokenId: tokenIds(json, 'bos_token_id', vocabSize, notes)[0],
    notes,
  };
}

/** What the file says its weights are stored in (`dtype`, formerly `torch_dtype`), for display only. */
export function storedDTypeOf(json: unknown): string | undefined {
  if (!isJsonObject(json)) return undefined;
  const dtype = own(json, 'dtype') ?? own(json, 'torch_dtype');
  return typeof dtype === 'string' ? dtype : undefined;
}

const isModelType = (value: unknown): value is ModelType =>
  (MODEL_TYPES as readonly unknown[]).includes(value);

const isAbsent = (json: JsonObject, key: string): boolean => (own(json, key) ?? null) === null;

const CORRECT =
  'Correct config.json, or get it from the checkpoint again: it must be the one that belongs to the weights.';
const OTHER = 'Choose a checkpoint without this feature.';

/** Where the file does not say: the defaults of transformers. */
const MAX_POSITIONS: Readonly<Record<ModelType, number>> = { llama: 2048, qwen2: 32768 };

function count(json: JsonObject, key: string, max: number): number {
  const value = own(json, key);
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max) return value as number;
  throw new ConfigError(`${key} is ${quote(value)}, expected a whole number from 1 to ${max}`, CORRECT);
}

function positive(json: JsonObject, key: string, standard: number, max: number): number {
  const value = own(json, key) ?? standard;
  if (typeof value === 'number' && value > 0 && value <= max) return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected a number above 0, at most ${max}`, CORRECT);
}

function flag(json: JsonObject, key: string, standard: boolean): boolean {
  const value = own(json, key) ?? standard;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected true or false`, CORRECT);
}

/**
 * One id, a list of ids, or none (also written -1). Ids that the vocabulary does not have are left out with a note: small
 * test models keep those of the large one, and such a token never comes.
 */
function tokenIds(json: JsonObject, key: string, vocabSize: number, notes: string[]): number[] {
  const value = own(json, key) ?? [];
  const ids = (Array.isArray(value) ? (value as unknown[]) : [value]).filter((id) => id !== -1);
  for (const id of ids) {
    if (!Number.isSafeInteger(id) || (id as number) < 0)
      throw new ConfigError(`${key} is ${quote(value)}, expected token ids, whole numbers from 0`, CORRECT);
  }
  const known = (ids as number[]).filter((id) => id < vocabSize);
  if (known.length < ids.length)
    notes.push(
      `${key} is ${quote(value)}; ids beyond the vocabulary (vocab_size ${vocabSize}) are left out.`,
    );
  return known;
}

/** Settings of RoPE that a file may hold, besides its base. */
const ROPE_FIELDS = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor'];

/**
 * θ, the base of RoPE. It stands in `rope_parameters` (for all layers, or by layer type), in `rope_scaling`, or on top; the
 * first that has one counts, as in transformers. Anything besides it there changes the network and is refused.
 */
function ropeTheta(json: JsonObject): number {
  const holders: JsonObject[] = [];
  for (const key of ['rope_parameters', 'rope_scaling']) {
    const value = own(json, key) ?? null;
    if (value === null) continue;
    if (!isJsonObject(value))
      throw new ConfigError(`${key} is ${quote(value)}, expected an object or null`, CORRECT);
    const inner = own(value, 'full_attention');
    const holder = isJsonObject(inner) ? inner : value;
    checkRope(key, holder);
    holders.push(holder);
  }
  const holder = [...holders, json].find((one) => !isAbsent(one, 'rope_theta')) ?? json;
  return positive(holder, 'rope_theta', 10000, 1e12);
}

function checkRope(key: string, holder: JsonObject): void {
  const type = own(holder, 'rope_type') ?? own(holder, 'type') ?? 'default';
  const field = Object.keys(holder).find((name) => !ROPE_FIELDS.includes(name) && !isAbsent(holder, name));
  if (type === 'default' && field === undefined && (own(holder, 'partial_rotary_factor') ?? 1) === 1) return;
  const what =
    type !== 'default'
      ? `type ${quote(type)}; supported: default (no scaling)`
      : field !== undefined
        ? `field ${quote(field)}; supported: rope_theta alone`
        : `partial_rotary_factor ${quote(own(holder, 'partial_rotary_factor'))}; supported: 1`;
  throw new ConfigError(
    `unsupported ${key} ${what}`,
    'Choose a checkpoint without scaled rotary embeddings; Llama 3.1 and later scale theirs.',
  );
}

/** Options that change the network and are not implemented. */
function refuseUnsupported(json: JsonObject): void {
  const act = own(json, 'hidden_act') ?? 'silu';
  // Two names of one function.
  if (act !== 'silu' && act !== 'swish')
    throw new ConfigError(`unsupported hidden_act ${quote(act)}; supported: silu`, OTHER);
  if (!isAbsent(json, 'quantization_config')) {
    throw new ConfigError(
      'unsupported quantization_config: quantised weights cannot be read; supported: f32, f16, bf16',
      'Choose the unquantised checkpoint.',
    );
  }
  // Qwen2 files carry a window size that counts only where use_sliding_window is set.
  if (flag(json, 'use_sliding_window', false)) {
    throw new ConfigError('unsupported use_sliding_window true; supported: full attention', OTHER);
  }
  const types = own(json, 'layer_types') ?? [];
  if (!Array.isArray(types) || types.some((type) => type !== 'full_attention')) {
    throw new ConfigError(`unsupported layer_types ${quote(types)}; supported: full_attention`, OTHER);
  }
  const rotary = own(json, 'partial_rotary_factor') ?? 1;
  if (rotary !== 1)
    throw new ConfigError(`unsupported partial_rotary_factor ${quote(rotary)}; supported: 1`, OTHER);
}
