import type { Decoder } from '../../decode/decoder';
import { greedy } from '../../decode/greedy';
import type { TopTokens } from '../../decode/readout';
import type { DecoderState } from '../../decode/state';
import { textOf } from '../../eval/answer';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { isOneToken, numberIn, resultOf } from './results';

export interface NumbersOf {
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer;
  readonly endIds: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** The results to look for. */
  readonly wanted: LongResults;
}

/** Results of reference steps that span several tokens, and the largest number of tokens. */
export interface LongResults {
  readonly results: readonly string[];
  readonly tokens: number;
}

export function longResults(tokenizer: Tokenizer, steps: readonly (readonly string[])[]): LongResults {
  const found = new Set<string>();
  let tokens = 0;
  for (const step of steps.flat()) {
    const result = resultOf(step);
    if (result === null || found.has(result) || isOneToken(tokenizer, step, result)) continue;
    found.add(result);
    tokens = Math.max(tokens, tokenizer.encode(result, { addSpecialTokens: false }).length);
  }
  return { results: [...found], tokens };
}

/** The number at the beginning of a text, after a step's punctuation if there is any: `=1,024>>` begins with 1,024. */
export function numberAt(text: string): string | null {
  const [, number] = /^[^\d\-\w]*(-?\d[\d.,]*)/.exec(text) ?? [];
  return number?.replace(/[.,]+$/, '') ?? null;
}

/**
 * The numbers written if decoding continues greedily from each of a state's most probable tokens, by row.
 * Only tokens that begin one of the wanted results are continued; the state is kept.
 */
export async function numbersAfter(
  { decoder, tokenizer, endIds, signal, wanted }: NumbersOf,
  state: DecoderState,
  top: readonly TopTokens[],
  rows: number,
): Promise<string[][]> {
  const out = Array.from({ length: rows }, (): string[] => []);
  if (wanted.results.length === 0 || state.room < 1) return out;
  const count = top[0]?.top.length ?? 0;
  for (let j = 0; j < count; j++) {
    const ids = top.map((one) => one.top[j]?.id as number);
    const begins = ids.slice(0, rows).map((id) => {
      const begun = numberIn(tokenizer.tokenText(id));
      return begun !== '' && wanted.results.some((result) => result !== begun && result.startsWith(begun));
    });
    if (!begins.some(Boolean)) continue;
    const next = await decoder.advance(state, { tokens: ids });
    try {
      // The rest of the longest result, plus one token in which it must end.
      const limit = wanted.tokens;
      const going = begins.flatMap((is, i) => (is ? [i] : []));
      const written = await greedy(decoder, next, { endIds, limit, rows: going, ...(signal && { signal }) });
      for (const i of going) {
        const number = numberAt(textOf(tokenizer, [ids[i] as number, ...(written[i] ?? [])]).trimStart());
        if (number !== null) out[i]?.push(number);
      }
    } finally {
      next.dispose();
    }
  }
  return out;
}
