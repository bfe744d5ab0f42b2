import { listed } from '../../../text/quote';
import { isJsonObject, type JsonObject, own, quote } from '../../checkpoint/json';

/** generation_config.json, which names further tokens that end a generated text (`<|eot_id|>` of chat models). */
export const GENERATION_CONFIG = 'generation_config.json';

/** What would choose other tokens than the settings of a generation say, and the values that switch it off, besides null. */
const CHOOSES: Readonly<Record<string, readonly unknown[]>> = {
  do_sample: [false],
  temperature: [1],
  top_k: [50],
  top_p: [1],
  min_p: [0],
  typical_p: [1],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  num_beams: [1],
  penalty_alpha: [0],
  repetition_penalty: [1],
  no_repeat_ngram_size: [0],
  encoder_repetition_penalty: [1],
  guidance_scale: [1],
  min_length: [0],
  min_new_tokens: [0],
  bad_words_ids: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  sequence_bias: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  exponential_decay_length_penalty: [],
};

/** Names the settings that are not taken over, with their values. */
function notesOnSettings(json: JsonObject): string[] {
  const given = Object.entries(CHOOSES).filter(([name, off]) => {
    const value = own(json, name) ?? null;
    return value !== null && !off.includes(value) && !(Array.isArray(value) && value.length === 0);
  });
  if (given.length === 0) return [];
  const listing = listed(given.map(([name]) => `${name} ${quote(own(json, name))}`));
  return [
    `${GENERATION_CONFIG}: not taken over, since texts are generated as the settings here say: ${listing}.`,
  ];
}

/**
 * The ids that end a text: those of config.json, and those that generation_config.json adds. Notes name the
 * parts of its `eos_token_id` that cannot be used, and what else it sets about the choice of tokens.
 * @param json the parsed file; undefined if there is none
 */
export function withGenerationEnds(
  endIds: readonly number[],
  json: unknown,
  vocabSize: number,
): { readonly endIds: readonly number[]; readonly notes: readonly string[] } {
  if (json === undefined) return { endIds, notes: [] };
  const found = isJsonObject(json) ? own(json, 'eos_token_id') : undefined;
  const listed: unknown[] = Array.isArray(found)
    ? found
    : found === undefined || found === null
      ? []
      : [found];
  const isId = (id: unknown): id is number =>
    typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize;
  const wrong = listed.filter((id) => !isId(id));
  return {
    endIds: [...new Set([...endIds, ...listed.filter(isId)])],
    notes: [
      ...(isJsonObject(json)
        ? notesOnSettings(json)
        : [`${GENERATION_CONFIG} was ignored: it contains ${quote(json)}, not settings.`]),
      ...(wrong.length > 0
        ? [
            `${GENERATION_CONFIG}: eos_token_id names ${wrong.map((id) => quote(id)).join(', ')}, which is not a token of the model (0 to ${vocabSize - 1}); the rest is used.`,
          ]
        : []),
    ],
  };
}
