import { ConfigError } from '../../base/errors';
import { isJsonObject, type JsonObject, own, quote } from '../../checkpoint/json';
import type { Reasoning } from '../../decode/reasoning';
import type { ModuleSpec } from '../../nn/modules/modules';
import type { StopHeadSpec } from '../../nn/modules/stop-head';

const SETTINGS = '_inserted_LatentThinkingModelSettings';
/**
 * Maximum number of thoughts: what the released options allow (Latent-6-by-1); no released student takes
 * more.
 */
export const MAX_THOUGHTS = 10;
const STOP_HEAD: StopHeadSpec = { kind: 'stopHead', name: 'stop' };
const OTHER = 'Open a released model of adaptive latent reasoning with its own config.json.';

/** The rows of the output embedding that decide whether to continue, and the temperature of their logits. */
export interface StopRows {
  readonly head: StopHeadSpec;
  /** CONTINUE and STOP. */
  readonly rows: readonly [number, number];
  readonly temperature: number;
}

/**
 * Adaptive latent reasoning: question, START, thoughts, END, and the model writes its answer. A thought is the recurrent filter of
 * the last hidden state; after START and after every thought the model decides between CONTINUE and STOP, by their logits alone.
 * @throws ConfigError naming a setting that is not supported
 */
export function adaptiveReasoning(
  json: JsonObject,
  module: ModuleSpec | undefined,
): { readonly reasoning: Reasoning; readonly notes: string[]; readonly stop: StopRows } {
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
  const rows = [id('continue_token_id'), id('stop_token_id')] as const;
  const temperature = own(settings, 'binary_head_temp') ?? 1;
  if (!(typeof temperature === 'number' && temperature > 0 && Number.isFinite(temperature)))
    throw new ConfigError(`binary_head_temp is ${quote(temperature)}, expected a number above 0`, OTHER);
  return {
    reasoning: {
      adapters: [],
      stages: [
        { kind: 'tokens', ids: [start] },
        {
          ...{ kind: 'latents', steps: MAX_THOUGHTS, feedback: { kind: 'module', module } },
          stop: { head: STOP_HEAD, min: 0 },
        },
        { kind: 'tokens', ids: [end] },
      ],
      explicit: true,
    },
    stop: { head: STOP_HEAD, rows, temperature },
    notes: [
      `It reasons between the tokens ${start} and ${end} in latent thoughts, each the recurrent filter of the last hidden state, and then writes its answer. The logits of tokens ${rows[0]} (continue) and ${rows[1]} (stop)${temperature === 1 ? '' : `, divided by ${temperature},`} decide how many it takes; after ${MAX_THOUGHTS} it is stopped (not in the file; the maximum of the released options).`,
    ],
  };
}
