/**
 * RoPE in config.json. Its base and scaling are in `rope_parameters` (for all layers, or by layer type), in
 * `rope_scaling`, or, for the base alone, at the top level. Everything found there is used or refused.
 */
import type { DecoderConfig, RopeScaling } from '../base/decoder-config';
import { ConfigError } from '../base/errors';
import { CORRECT, flag, isAbsent, noteDefault, OTHER, positive } from './config-fields';
import { isJsonObject, type JsonObject, own, quote } from './json';

const BASE_FIELDS = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor'];
const ORIGINAL = 'original_max_position_embeddings';
/** Says how a model was trained; no reader uses it. */
const UNUSED = ['finetuned'];
const LLAMA3_FIELDS = ['factor', 'low_freq_factor', 'high_freq_factor', ORIGINAL] as const;
/** Fields of each supported type. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor', ORIGINAL],
  llama3: LLAMA3_FIELDS,
  yarn: ['factor', 'beta_fast', 'beta_slow', 'attention_factor', 'truncate', ORIGINAL],
};

/** @throws ConfigError for scalings that are not implemented, and if two places disagree */
export function ropeOf(
  json: JsonObject,
  notes: string[],
): Pick<DecoderConfig, 'ropeTheta'> & { readonly ropeScaling?: RopeScaling } {
  const holders: { readonly key: string; readonly holder: JsonObject; readonly scaling?: RopeScaling }[] = [];
  for (const key of ['rope_parameters', 'rope_scaling']) {
    const holder = holderOf(json, key);
    if (holder) holders.push({ key, holder, scaling: scalingOf(key, holder, json, notes) });
  }
  const [first, second] = holders;
  if (first && second && JSON.stringify(first.scaling) !== JSON.stringify(second.scaling))
    throw new ConfigError(
      `${first.key} and ${second.key} ask for different scalings of RoPE`,
      'Leave the one that belongs to the weights in config.json.',
    );
  const bases = holders.filter(({ holder }) => !isAbsent(holder, 'rope_theta'));
  const [place, other] = bases;
  if (place && other && baseIn(place) !== baseIn(other))
    throw new ConfigError(
      `rope_theta is ${quote(baseIn(place))} in ${place.key} and ${quote(baseIn(other))} in ${other.key}`,
      'Leave the one that belongs to the weights in config.json.',
    );
  const ropeTheta = positive(place?.holder ?? json, 'rope_theta', 10000, 1e12);
  if (!place && isAbsent(json, 'rope_theta')) noteDefault(notes, 'rope_theta', ropeTheta);
  const top = own(json, 'rope_theta') ?? ropeTheta;
  if (place && top !== ropeTheta)
    notes.push(
      `rope_theta is ${ropeTheta} in ${place.key} and ${quote(top)} beside it; ${ropeTheta} is used, as transformers does.`,
    );
  return { ropeTheta, ...(first?.scaling && { ropeScaling: first.scaling }) };
}

const baseIn = ({ holder }: { readonly holder: JsonObject }): unknown => own(holder, 'rope_theta');

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

function scalingOf(
  key: string,
  holder: JsonObject,
  json: JsonObject,
  notes: string[],
): RopeScaling | undefined {
  const type = own(holder, 'rope_type') ?? own(holder, 'type') ?? 'default';
  const fields = typeof type === 'string' ? own(FIELDS as JsonObject, type) : undefined;
  const hint = 'Choose a checkpoint with plain rotary embeddings, or with ones scaled in a supported way.';
  if (!Array.isArray(fields))
    throw new ConfigError(
      `unsupported ${key} type ${quote(type)}; supported: ${Object.keys(FIELDS).join(', ')}`,
      hint,
    );
  const known = [...BASE_FIELDS, ...(fields as string[])];
  const field = Object.keys(holder).find(
    (name) => !known.includes(name) && !UNUSED.includes(name) && !isAbsent(holder, name),
  );
  if (field !== undefined)
    throw new ConfigError(
      `unsupported ${key} field ${quote(field)}; supported with type ${type}: ${known.slice(2).join(', ')}`,
      hint,
    );
  const partial = own(holder, 'partial_rotary_factor') ?? 1;
  if (partial !== 1)
    throw new ConfigError(`unsupported ${key} partial_rotary_factor ${quote(partial)}; supported: 1`, hint);
  if (type === 'llama3') return llama3(key, holder);
  if (type === 'yarn') return yarn(key, holder, json, notes);
  if (type === 'linear') return { type, factor: factorOf(key, type, holder) };
  if (type === 'dynamic') {
    factorOf(key, type, holder);
    notes.push(
      `${key} of type dynamic changes nothing within ${positionsIn(json, key)} positions, and longer texts are not supported.`,
    );
  }
  return undefined;
}

function factorOf(key: string, type: string, holder: JsonObject): number {
  if (isAbsent(holder, 'factor')) throw new ConfigError(`${key} of type ${type} lacks factor`, CORRECT);
  return positive(holder, 'factor', undefined, 2 ** 24);
}

function positionsIn(json: JsonObject, key: string): number {
  if (isAbsent(json, 'max_position_embeddings'))
    throw new ConfigError(`${key} needs max_position_embeddings, which is missing`, CORRECT);
  return positive(json, 'max_position_embeddings', undefined, 2 ** 32);
}

/** As in transformers 5: `factor` is taken as given, even if it is not the ratio of the two numbers of positions. */
function yarn(key: string, holder: JsonObject, json: JsonObject, notes: string[]): RopeScaling {
  const factor = factorOf(key, 'yarn', holder);
  const number = (name: string, usual: number): number =>
    positive(holder, name, isAbsent(holder, name) ? usual : undefined, 2 ** 32);
  const original = isAbsent(holder, ORIGINAL) ? positionsIn(json, key) : number(ORIGINAL, 0);
  const betas = { betaFast: number('beta_fast', 32), betaSlow: number('beta_slow', 1) };
  if (betas.betaFast <= betas.betaSlow)
    throw new ConfigError(
      `${key}: beta_fast is ${betas.betaFast}, beta_slow ${betas.betaSlow}; expected a larger beta_fast`,
      CORRECT,
    );
  if (!flag(holder, 'truncate', true))
    throw new ConfigError(`unsupported ${key} truncate false; supported: true`, OTHER);
  const ratio = isAbsent(json, 'max_position_embeddings') ? factor : positionsIn(json, key) / original;
  if (!isAbsent(holder, ORIGINAL) && ratio !== factor)
    notes.push(
      `${key}: YaRN's factor is ${factor}, as written; versions 4.46 to 4.55 of transformers took ${Number(ratio.toPrecision(4))}, the ratio of max_position_embeddings to ${ORIGINAL}.`,
    );
  const usual = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
  return {
    ...{ type: 'yarn', factor, ...betas, originalMaxPositions: original },
    attentionFactor: number('attention_factor', usual),
  };
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
