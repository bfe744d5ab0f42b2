import { isJsonObject, own, quote } from '../../checkpoint/json';

/** generation_config.json, which names further tokens that end a generated text (`<|eot_id|>` of chat models). */
export const GENERATION_CONFIG = 'generation_config.json';

/**
 * The ids that end a text: those of config.json, and those that generation_config.json adds. Notes name the
 * parts of its `eos_token_id` that cannot be used.
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
        ? []
        : [`${GENERATION_CONFIG} was ignored: it contains ${quote(json)}, not settings.`]),
      ...(wrong.length > 0
        ? [
            `${GENERATION_CONFIG}: eos_token_id names ${wrong.map((id) => quote(id)).join(', ')}, which is not a token of the model (0 to ${vocabSize - 1}); the rest is used.`,
          ]
        : []),
    ],
  };
}
