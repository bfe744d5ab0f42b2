import { ConfigError } from '../../base/errors';
import { isJsonObject, type JsonObject, own, quote } from '../../checkpoint/json';
import type { Reasoning } from '../../decode/reasoning';
import type { ModuleSpec } from '../../nn/modules/modules';

const SETTINGS = '_inserted_LatentThinkingModelSettings';
/** Latent-6: as many thoughts as its released models were trained with, before their number was learned. */
const THOUGHTS = 6;
const OTHER = 'Open a released model of adaptive latent reasoning with its own config.json.';

/**
 * Adaptive latent reasoning: question, START, thoughts, END, and the model writes its answer. A thought is the recurrent filter of
 * the last hidden state. @throws ConfigError naming a setting that is not supported
 */
export function adaptiveReasoning(
  json: JsonObject,
  module: ModuleSpec | undefined,
): { readonly reasoning: Reasoning; readonly notes: string[] } {
  const settings = own(json, SETTINGS);
  if (!isJsonObject(settings))
    throw new ConfigError(`config.json has no ${SETTINGS}, which says how it reasons`, OTHER);
  const mode = own(settings, 'recurrent_filter_mode') ?? null;
  if (mode !== 'MLP' || !module)
    throw new ConfigError(
      `unsupported recurrent_filter_mode ${quote(mode)}; supported: MLP, with its tensors`,
      OTHER,
    );
  for (const key of [
    'add_latent_to_end',
    'lora_mode',
    'disable_forward_input_embeds',
    'disable_input_past_key_values',
  ])
    if ((own(settings, key) ?? false) !== false)
      throw new ConfigError(`unsupported ${key} ${quote(own(settings, key))}; supported: false`, OTHER);
  const id = (key: string): number => {
    const value = own(settings, key);
    const rows = own(json, 'vocab_size');
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < (rows as number))
      return value as number;
    throw new ConfigError(`${key} is ${quote(value)}, expected a token id of the model`, OTHER);
  };
  const [start, end] = [id('start_token_id'), id('end_token_id')];
  return {
    reasoning: {
      adapters: [],
      stages: [
        { kind: 'tokens', ids: [start] },
        { kind: 'latents', steps: THOUGHTS, feedback: { kind: 'module', module } },
        { kind: 'tokens', ids: [end] },
      ],
      explicit: true,
    },
    notes: [
      `It reasons in ${THOUGHTS} latent thoughts between the tokens ${start} and ${end}, each the recurrent filter of the last hidden state, and then writes its answer. The model’s own decision when to stop (tokens ${quote(own(settings, 'continue_token_id'))} and ${quote(own(settings, 'stop_token_id'))}) is not used: it always makes ${THOUGHTS}.`,
    ],
  };
}
