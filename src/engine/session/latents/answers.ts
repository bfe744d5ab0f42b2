import type { AnswerDifference } from '../../../contract/thoughts';
import type { Decoder } from '../../decode/decoder';
import { everywhere, greedy } from '../../decode/greedy';
import { logitsOf } from '../../decode/readout';
import type { DecoderState } from '../../decode/state';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Tokens shown of the two distributions. */
const SHOWN_CHANGES = 8;

/** What an answer needs besides a state. */
export interface Answering {
  readonly decoder: Decoder;
  /** Token ids of the answer's prompt. */
  readonly prompt: readonly number[];
  readonly endIds: readonly number[];
  readonly limit: number;
}

/** The most probable answer after a prompt; the given state is unchanged. */
export async function answerIds(answering: Answering, state: DecoderState): Promise<readonly number[]> {
  const [ids] = await greedy(answering.decoder, state, answering);
  return ids as number[];
}

/** log softmax, in float64. */
function logShares(logits: Float32Array): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - max);
  const log = max + Math.log(sum);
  return Float64Array.from(logits, (x) => x - log);
}

/** Σ p·(log p − log q) in nats, of log p and log q. */
export function divergence(logP: Float64Array, logQ: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < logP.length; i++) {
    const p = Math.exp(logP[i] as number);
    if (p > 0) sum += p * ((logP[i] as number) - (logQ[i] as number));
  }
  // Rounding can make the divergence of equal distributions slightly negative.
  return Math.max(0, sum);
}

/**
 * How two states after the answer's prompt differ in what they say, read along the answer of the first.
 * @param ids that answer, without an end token
 */
export async function answerDifference(
  { decoder, endIds }: Answering,
  tokenizer: Tokenizer,
  states: { readonly before: DecoderState; readonly after: DecoderState },
  ids: readonly number[],
): Promise<Pick<AnswerDifference, 'first' | 'divergence'>> {
  let { before, after } = states;
  const along: AnswerDifference['divergence'][number][] = [];
  let first: AnswerDifference['first'] = [];
  try {
    for (let n = 0; n <= ids.length; n++) {
      const p = logShares(await logitsOf(decoder, before));
      const q = logShares(await logitsOf(decoder, after));
      if (n === 0) first = changes(p, q, tokenizer);
      const id = ids[n] ?? endIds[0];
      along.push({ text: id === undefined ? '' : tokenizer.tokenText(id), nats: divergence(p, q) });
      if (n === ids.length || Math.min(before.room, after.room) < 1) break;
      const [next, other] = [
        await decoder.advance(before, everywhere(decoder, ids[n] as number)),
        await decoder.advance(after, everywhere(decoder, ids[n] as number)),
      ];
      if (before !== states.before) before.dispose();
      if (after !== states.after) after.dispose();
      [before, after] = [next, other];
    }
  } finally {
    if (before !== states.before) before.dispose();
    if (after !== states.after) after.dispose();
  }
  return { first, divergence: along };
}

/** The tokens whose probability changes most, largest change first. */
function changes(p: Float64Array, q: Float64Array, tokenizer: Tokenizer): AnswerDifference['first'] {
  return Array.from(p, (log, id) => ({ id, before: Math.exp(log), after: Math.exp(q[id] as number) }))
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || a.id - b.id)
    .slice(0, SHOWN_CHANGES)
    .map((one) => ({ ...one, text: tokenizer.tokenText(one.id) }));
}
