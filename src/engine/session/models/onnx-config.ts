import type { DecoderConfig } from '../../base/decoder-config';
import { ConfigError } from '../../base/errors';
import { tokenIds } from '../../checkpoint/config-fields';
import { isJsonObject, type JsonObject, own, quote } from '../../checkpoint/json';
import type { DecoderGraph } from '../../onnx/read/residuals';

/**
 * What config.json says about a model whose network is in its ONNX file: sizes, under the names used by
 * several families.
 */
export interface OnnxConfig extends DecoderConfig {
  readonly modelType: string;
  /** Ids that end a text, possibly none. */
  readonly eosTokenIds: readonly number[];
  /** Notes on what is not used of it. */
  readonly notes: readonly string[];
}

const NAMES = {
  hiddenSize: ['hidden_size', 'n_embd', 'd_model'],
  layers: ['num_hidden_layers', 'n_layer', 'num_layers'],
  heads: ['num_attention_heads', 'n_head', 'num_heads'],
  kvHeads: ['num_key_value_heads'],
  headDim: ['head_dim'],
  vocabSize: ['vocab_size'],
  intermediateSize: ['intermediate_size', 'n_inner', 'ffn_dim'],
  maxPositions: ['max_position_embeddings', 'n_positions', 'n_ctx'],
} as const;

/**
 * Sizes of an ONNX export, from its config.json and its graph, which must agree.
 * @throws ConfigError naming the field
 */
export function onnxConfig(json: unknown, { layers, caches }: DecoderGraph): OnnxConfig {
  const config = textPart(json);
  const size = (name: keyof typeof NAMES): number | undefined => sizeOf(config, NAMES[name]);
  const needed = (name: keyof typeof NAMES): number => {
    const value = size(name);
    if (value === undefined)
      throw new ConfigError(
        `config.json has no ${NAMES[name].join(', ')}`,
        'Choose the config.json of the export.',
      );
    return value;
  };
  const said = needed('layers');
  if (said !== layers)
    throw new ConfigError(
      `config.json says ${said} layers; the ONNX graph has keys and values of ${layers}`,
      'Choose the config.json that belongs to the export.',
    );
  const [hiddenSize, heads, vocabSize] = [needed('hiddenSize'), needed('heads'), needed('vocabSize')];
  // [B, heads, positions, d] of the cache; where the graph has a symbolic size, config.json gives it.
  const dims = caches[0]?.past?.key.dims ?? [];
  if (dims.length !== 4 && dims.length !== 0)
    throw new ConfigError(
      `past_key_values.0.key has ${dims.length} dimensions; [batch, heads, positions, size] is expected`,
      'Choose another export of the model, or its safetensors.',
    );
  const told = (at: number): number | undefined => (typeof dims[at] === 'number' ? dims[at] : undefined);
  const maxPositions = size('maxPositions');
  const notes: string[] = [];
  return {
    modelType:
      typeof own(config, 'model_type') === 'string' ? (own(config, 'model_type') as string) : 'unknown',
    hiddenSize,
    layers,
    heads,
    vocabSize,
    kvHeads: told(1) ?? size('kvHeads') ?? heads,
    headDim: told(3) ?? size('headDim') ?? hiddenSize / heads,
    intermediateSize: size('intermediateSize') ?? 4 * hiddenSize,
    ...(maxPositions !== undefined && { maxPositions }),
    tieWordEmbeddings: own(config, 'tie_word_embeddings') !== false,
    eosTokenIds: tokenIds(config, 'eos_token_id', vocabSize, notes),
    notes,
    // Only for building the network, which is not done from this.
    normEps: Number.NaN,
    ropeTheta: Number.NaN,
    attentionBias: false,
    attentionOutputBias: false,
    mlpBias: false,
  };
}

/** The text model's part, if the model has others. */
function textPart(json: unknown): JsonObject {
  if (!isJsonObject(json))
    throw new ConfigError(
      `config is ${quote(json)}, expected a JSON object`,
      'Choose the config.json of the export.',
    );
  const inner = own(json, 'text_config');
  return isJsonObject(inner) && sizeOf(json, NAMES.hiddenSize) === undefined ? inner : json;
}

function sizeOf(json: JsonObject, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = own(json, name) ?? null;
    if (value === null) continue;
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31)
      return value as number;
    throw new ConfigError(
      `${name} is ${quote(value)}, expected a whole number from 1`,
      'Correct config.json, or get it from the export again.',
    );
  }
  return undefined;
}
