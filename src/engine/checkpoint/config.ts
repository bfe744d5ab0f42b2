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
  /** No scaling of RoPE is implemented; files that ask for one are refused. */
  readonly ropeScaling: null;
  /** Ids that end a text, possibly none. */
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId: number | undefined;
}

/** Parsed config.json → `ModelConfig`. Throws `ConfigError` naming the field, its value and what is supported. */
export function parseModelConfig(json: unknown): ModelConfig {
  if (!isJsonObject(json))
    throw new ConfigError(
      `config is ${quote(json)}, expected a JSON object`,
      'choose the config.json of the checkpoint',
    );
  const modelType = own(json, 'model_type');
  if (!isModelType(modelType)) {
    throw new ConfigError(
      `unsupported model_type ${quote(modelType)}; supported: ${MODEL_TYPES.join(', ')}`,
      'choose a checkpoint of a supported family',
    );
  }
  const hiddenSize = count(json, 'hidden_size', 65536);
  const heads = count(json, 'num_attention_heads', 1024);
  const kvHeads = isAbsent(json, 'num_key_value_heads') ? heads : count(json, 'num_key_value_heads', 1024);
  if (heads % kvHeads !== 0) {
    throw new ConfigError(`num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`);
  }
  if (isAbsent(json, 'head_dim') && hiddenSize % heads !== 0) {
    throw new ConfigError(
      `hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}, and there is no head_dim`,
    );
  }
  const headDim = isAbsent(json, 'head_dim') ? hiddenSize / heads : count(json, 'head_dim', 1024);
  if (headDim % 2 !== 0)
    throw new ConfigError(`head_dim ${headDim} is odd; rotary embedding needs an even one`);
  const vocabSize = count(json, 'vocab_size', 2 ** 22);
  refuseUnsupported(json);
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
    maxPositions: count(json, 'max_position_embeddings', 2 ** 24),
    rmsNormEps: positive(json, 'rms_norm_eps', 1e-6, 1),
    ropeTheta: ropeTheta(json),
    ropeScaling: null,
    tieWordEmbeddings: flag(json, 'tie_word_embeddings', false),
    attentionBias,
    attentionOutputBias: modelType === 'llama' && attentionBias,
    mlpBias: modelType === 'llama' && flag(json, 'mlp_bias', false),
    eosTokenIds: tokenIds(json, 'eos_token_id', vocabSize),
    bosTokenId: tokenIds(json, 'bos_token_id', vocabSize)[0],
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

function count(json: JsonObject, key: string, most: number): number {
  const value = own(json, key);
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number;
  throw new ConfigError(`${key} is ${quote(value)}, expected a whole number from 1 to ${most}`);
}

function positive(json: JsonObject, key: string, standard: number, most: number): number {
  const value = own(json, key) ?? standard;
  if (typeof value === 'number' && value > 0 && value <= most) return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected a number above 0, at most ${most}`);
}

function flag(json: JsonObject, key: string, standard: boolean): boolean {
  const value = own(json, key) ?? standard;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected true or false`);
}

/** One id, a list of ids, or none. */
function tokenIds(json: JsonObject, key: string, vocabSize: number): number[] {
  const value = own(json, key) ?? [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  for (const id of ids) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= vocabSize) {
      throw new ConfigError(
        `${key} is ${quote(value)}, expected ids from 0 to ${vocabSize - 1} (vocab_size ${vocabSize})`,
      );
    }
  }
  return ids as number[];
}

function ropeTheta(json: JsonObject): number {
  const parameters = own(json, 'rope_parameters') ?? null;
  const scaling = own(json, 'rope_scaling') ?? null;
  for (const [key, value] of [
    ['rope_parameters', parameters],
    ['rope_scaling', scaling],
  ] as const) {
    if (value === null) continue;
    if (!isJsonObject(value)) throw new ConfigError(`${key} is ${quote(value)}, expected an object or null`);
    const type = own(value, 'rope_type') ?? own(value, 'type') ?? 'default';
    if (type !== 'default') {
      throw new ConfigError(
        `unsupported ${key} type ${quote(type)}; supported: default (no scaling)`,
        'choose a checkpoint without scaled rotary embeddings (Llama 3.1 and later scale theirs)',
      );
    }
  }
  const holder = isJsonObject(parameters) && !isAbsent(parameters, 'rope_theta') ? parameters : json;
  return positive(holder, 'rope_theta', 10000, 1e12);
}

/** Options that change the network and are not implemented. */
function refuseUnsupported(json: JsonObject): void {
  const act = own(json, 'hidden_act') ?? 'silu';
  if (act !== 'silu') throw new ConfigError(`unsupported hidden_act ${quote(act)}; supported: silu`);
  if (!isAbsent(json, 'quantization_config')) {
    throw new ConfigError(
      'unsupported quantization_config: quantised weights cannot be read; supported: f32, f16, bf16',
      'choose the unquantised checkpoint',
    );
  }
  // Qwen2 files carry a window size that counts only where use_sliding_window is set.
  if (flag(json, 'use_sliding_window', false)) {
    throw new ConfigError('unsupported use_sliding_window true; supported: full attention');
  }
  const types = own(json, 'layer_types') ?? [];
  if (!Array.isArray(types) || types.some((type) => type !== 'full_attention')) {
    throw new ConfigError(`unsupported layer_types ${quote(types)}; supported: full_attention`);
  }
  const rotary = own(json, 'partial_rotary_factor') ?? 1;
  if (rotary !== 1) throw new ConfigError(`unsupported partial_rotary_factor ${quote(rotary)}; supported: 1`);
}
