/**
 * Hugging Face config.json → what the decoder needs. Field names differ between releases and families.
 * Anything that would change the network and is not implemented is refused, never ignored; unused fields are
 * named.
 */
import type { DecoderConfig } from '../base/decoder-config';
import { ConfigError } from '../base/errors';
import { familyConfig, MODEL_TYPES, type ModelType } from './config-families';
import { tokenIds } from './config-fields';
import { checkUnused } from './config-known';
import { isJsonObject, own, quote } from './json';

export { MODEL_TYPES, type ModelType };

/** What a config.json describes: the decoder and what goes with it. */
export interface ModelConfig extends DecoderConfig {
  readonly modelType: ModelType;
  readonly maxPositions: number;
  /** Ids that end a text, possibly none. */
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId: number | undefined;
  /** What was left out of the file's settings, or read differently from what it says, one sentence each. */
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
  const notes: string[] = [];
  const family = familyConfig(modelType, json, notes);
  checkUnused(modelType, json, notes);
  const pad = own(json, 'pad_token_id');
  if (typeof pad === 'number' && pad >= family.vocabSize)
    notes.push(
      `pad_token_id is ${quote(pad)}, beyond the vocabulary (vocab_size ${family.vocabSize}); it is not used: padding is masked here.`,
    );
  return {
    modelType,
    ...family,
    eosTokenIds: tokenIds(json, 'eos_token_id', family.vocabSize, notes),
    bosTokenId: tokenIds(json, 'bos_token_id', family.vocabSize, notes)[0],
    notes,
  };
}

const isModelType = (value: unknown): value is ModelType =>
  (MODEL_TYPES as readonly unknown[]).includes(value);
