/**
 * RoPE in config.json. Its base and scaling stand in `rope_parameters` (for all layers, or by layer type), in
 * `rope_scaling`, or, the base alone, on top. Whatever stands there is used or refused.
 */
import type { DecoderConfig, RopeScaling } from '../base/decoder-config';
import { ConfigError } from '../base/errors';
import { CORRECT, isAbsent, noteDefault, positive } from './config-fields';
import { isJsonObject, type JsonObject, own, quote } from './json';

const BASE_FIELDS = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor'];
const LLAMA3_FIELDS = [
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'original_max_position_embeddings',
] as const;

/** Throws `ConfigError` for scalings that are not implemented, and for two places that disagree. */
export function ropeOf(
  json: JsonObject,
  notes: string[],
): Pick<DecoderConfig, 'ropeTheta'> & { readonly ropeScaling?: RopeScaling } {
  const holders: { readonly key: string; readonly holder: JsonObject; readonly scaling?: RopeScaling }[] = [];
  for (const key of ['rope_parameters', 'rope_scaling']) {
    const holder = holderOf(json, key);
    if (holder) holders.push({ key, holder, scaling: scalingOf(key, holder) });
  }
  const [first, second] = holders;
  if (first && second && JSON.stringify(first.scaling) !== JSON.stringify(second.scaling))
    throw new ConfigError(
      `${first.key} and ${second.key} ask for different scalings of RoPE`,
      'Leave the one that belongs to the weights in config.json.',
    );
  const place = holders.find(({ holder }) => !isAbsent(holder, 'rope_theta'));
  const ropeTheta = positive(place?.holder ?? json, 'rope_theta', 10000, 1e12);
  if (!place && isAbsent(json, 'rope_theta')) noteDefault(notes, 'rope_theta', ropeTheta);
  const top = own(json, 'rope_theta') ?? ropeTheta;
  if (place && top !== ropeTheta)
    notes.push(
      `rope_theta is ${ropeTheta} in ${place.key} and ${quote(top)} beside it; ${ropeTheta} is used, as transformers does.`,
    );
  return { ropeTheta, ...(first?.scaling && { ropeScaling: first.scaling }) };
}

function holderOf(json: JsonObject, key: string): JsonObject | undefined {
  const value = own(json, key) ?? null;
  if (value === null) return undefined;
  if (!isJsonObject(value))
    throw new ConfigError(`${key} is ${quote(value)}, expected an object or null`, CORRECT);
  const inner = own(value, 'full_attention');
  if (!isJsonObject(inner)) return value;
  const beside = Object.keys(value).find((name) => !name.endsWith('_attention'));
  if (beside !== undefined)
    throw new ConfigError(`unsupported ${key} field ${quote(beside)} beside full_attention`, CORRECT);
  return inner;
}

function scalingOf(key: string, holder: JsonObject): RopeScaling | undefined {
  const type = own(holder, 'rope_type') ?? own(holder, 'type') ?? 'default';
  const hint = 'Choose a checkpoint with plain rotary embeddings, or with those of Llama 3.';
  if (type !== 'default' && type !== 'llama3')
    throw new ConfigError(`unsupported ${key} type ${quote(type)}; supported: default, llama3`, hint);
  const known: readonly string[] = type === 'llama3' ? [...BASE_FIELDS, ...LLAMA3_FIELDS] : BASE_FIELDS;
  const field = Object.keys(holder).find((name) => !known.includes(name) && !isAbsent(holder, name));
  if (field !== undefined)
    throw new ConfigError(
      `unsupported ${key} field ${quote(field)}; supported with type ${type}: ${known.slice(2).join(', ')}`,
      hint,
    );
  const partial = own(holder, 'partial_rotary_factor') ?? 1;
  if (partial !== 1)
    throw new ConfigError(`unsupported ${key} partial_rotary_factor ${quote(partial)}; supported: 1`, hint);
  return type === 'llama3' ? llama3(key, holder) : undefined;
}

function llama3(key: string, holder: JsonObject): RopeScaling {
  const missing = LLAMA3_FIELDS.find((name) => isAbsent(holder, name));
  if (missing !== undefined) throw new ConfigError(`${key} of type llama3 lacks ${missing}`, CORRECT);
  const [factor, low, high, positions] = LLAMA3_FIELDS.map((name) =>
    positive(holder, name, undefined, 2 ** 24),
  );
  if ((high as number) <= (low as number))
    throw new ConfigError(
      `${key}: high_freq_factor is ${high}, low_freq_factor ${low}; expected a larger high_freq_factor`,
      CORRECT,
    );
  return {
    type: 'llama3',
    factor: factor as number,
    lowFreqFactor: low as number,
    highFreqFactor: high as number,
    originalMaxPositions: positions as number,
  };
}
