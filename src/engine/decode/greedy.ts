import { throwIfCancelled } from '../base/errors';
import type { Decoder } from './decoder';

/** Index of the largest value of row b, the first among equals. */
export function argmaxRow(values: Float32Array, b: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++)
    if ((values[b * width + i] as number) > (values[b * width + best] as number)) best = i;
  return best;
}

/** Feeds the same tokens to every sequence. */
export async function feedAll(decoder: Decoder, ids: readonly number[]): Promise<void> {
  for (const id of ids) await decoder.feedTokens(new Array<number>(decoder.shape.batch).fill(id));
}

/**
 * The most probable continuation, token by token, until every sequence has ended or `limit` tokens were made.
 * @returns one list a sequence, without the end token
 */
export async function greedy(
  decoder: Decoder,
  endIds: readonly number[],
  limit: number,
  signal?: AbortSignal,
): Promise<number[][]> {
  const { batch: B, config } = decoder.shape;
  const out: number[][] = Array.from({ length: B }, () => []);
  const open = new Array<boolean>(B).fill(true);
  for (let n = 0; n < limit; n++) {
    throwIfCancelled(signal, 'decoding');
    const logits = await decoder.logits();
    const next = out.map((_, b) => argmaxRow(logits, b, config.vocabSize));
    next.forEach((id, b) => {
      if (endIds.includes(id)) open[b] = false;
      if (open[b]) (out[b] as number[]).push(id);
    });
    if (!open.includes(true) || decoder.room < 1) break;
    await decoder.feedTokens(next);
  }
  return out;
}
