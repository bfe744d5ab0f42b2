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
  /** Results that are looked for. */
  readonly wanted: LongResults;
}

/** Results of reference steps that are more than one token, and the most tokens that one is. */
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

/** The number at the beginning of a text, behind the signs of a step if there are some: `=1,024>>` begins with 1,024. */
export function numberAt(text: string): string | null {
  const [, number] = /^[^\d\-\w]*(-?\d[\d.,]*)/.exec(text) ?? [];
  return number?.replace(/[.,]+$/, '') ?? null;
}

/**
 * The numbers that are written if decoding goes on, greedily, from each of the most probable tokens of a state: by row. Only
 * tokens that begin a result which is looked for are gone on from, and the state is kept.
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
      // One token more than the longest result has left, in which it must have ended.
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
