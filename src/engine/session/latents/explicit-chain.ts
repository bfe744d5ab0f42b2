import type { ExplicitReport, ExplicitToken } from '../../../contract/events';
import { leftPad } from '../../data/batch';
import type { Decoder } from '../../decode/decoder';
import { everywhere } from '../../decode/greedy';
import { hiddenOf, nextTokens } from '../../decode/readout';
import { lastNumber, textOf } from '../../eval/answer';
import type { AnsweringModels } from '../models/pair';

/** The teacher's explicit chain of thought on a question, with its hidden states. */
export interface ExplicitChain {
  readonly report: ExplicitReport;
  /** Texts of the rationale's tokens, N. */
  readonly rationale: readonly string[];
  /** hidden_states[1..L] at the rationale's tokens, [N, L, H]. */
  readonly states: Float32Array<ArrayBuffer>;
}

/** Reasons greedily, token by token. Times are of the passes alone, without what is read for display. */
export async function explicitChain(
  pair: AnsweringModels,
  decoder: Decoder,
  question: string,
  limit: number,
): Promise<ExplicitChain> {
  const { config } = decoder.shape;
  const { ids, keyMask } = leftPad([pair.codec.question(question)], decoder.shape.question, pair.codec.padId);
  const start = performance.now();
  let state = await decoder.begin(ids, keyMask, { hidden: true });
  let milliseconds = performance.now() - start;
  const tokens: (ExplicitToken & { readonly id: number })[] = [];
  const states: Float32Array[] = [];
  try {
    while (tokens.length < limit) {
      const began = performance.now();
      const next = await nextTokens(decoder, state);
      const id = next.ids[0] as number;
      const isEnd = pair.teacher.endIds.includes(id);
      if (!isEnd && state.room > 0)
        state = await decoder.step(state, everywhere(decoder, id), { hidden: true });
      const took = performance.now() - began;
      milliseconds += took;
      if (isEnd) break;
      const probability = Math.exp(next.logProbabilities[0] as number);
      tokens.push({ id, text: pair.tokenizer.tokenText(id), probability, milliseconds: took });
      states.push(await hiddenOf(state));
      if (state.room < 1) break;
    }
  } finally {
    state.dispose();
  }
  const all = tokens.map(({ id }) => id);
  const split = indexOf(all, pair.codec.prompt);
  const N = split < 0 ? all.length : split;
  const decode = (part: readonly number[]): string => textOf(pair.tokenizer, part).trim();
  const text = decode(all);
  const size = config.layers * config.hiddenSize;
  const kept = new Float32Array(N * size);
  states.slice(0, N).forEach((one, i) => {
    kept.set(one, i * size);
  });
  return {
    report: {
      rationale: decode(all.slice(0, N)),
      value: valueOf(split < 0 ? text : decode(all.slice(split + pair.codec.prompt.length))),
      text,
      tokens: tokens.length,
      chain: tokens.map(({ id: _, ...token }) => token),
      milliseconds,
    },
    rationale: tokens.slice(0, N).map((token) => token.text),
    states: kept,
  };
}

export const valueOf = (text: string): string | null => lastNumber(text)?.toString() ?? null;

function indexOf(tokens: readonly number[], part: readonly number[]): number {
  for (let i = 0; i + part.length <= tokens.length; i++)
    if (part.every((id, j) => tokens[i + j] === id)) return i;
  return -1;
}
