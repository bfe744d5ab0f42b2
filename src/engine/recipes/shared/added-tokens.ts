import { BUG, ConfigError } from '../../base/errors';
import type { Rng } from '../../base/rng';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../../nn/config';
import type { EmbeddingRows, ModuleParameter } from '../../nn/parameters';
import type { Computed } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';

/** Name of the parameter that holds the embeddings of added tokens, [n, H]. */
export const TOKENS = 'tokens';
/** Its rows. */
export const BEGIN = 0;
export const END = 1;
export const LATENT = 2;

export interface AddedTokens {
  /** Whether they learn; fixed ones are kept with the student, and get no gradient. */
  readonly trained: boolean;
  /** Drawn as the vocabulary's embeddings are distributed, at their mean, or as copies of a token's, which the samples may lack. */
  readonly initial: 'drawn' | 'mean' | { readonly copyOf: number | undefined };
}

/** The embeddings of `count` added tokens. */
export const addedTokens = (
  { hiddenSize: H }: Pick<DecoderConfig, 'hiddenSize'>,
  count: number,
  { trained, initial }: AddedTokens,
): ModuleParameter => ({
  name: TOKENS,
  shape: [count, H],
  ...(!trained && { decay: false, rateFactor: 0 }),
  initial: (rng, embedding) => freshRows(rng, count, H, initial, embedding),
});

/** Rows of the embedding read at once. */
const CHUNK = 1024;

/** Drawn with the mean and the standard deviation of each feature over the vocabulary, all at the mean, or all as one token's. */
function freshRows(
  rng: Rng,
  count: number,
  H: number,
  initial: AddedTokens['initial'],
  embedding: EmbeddingRows | undefined,
): Float32Array<ArrayBuffer> {
  if (!embedding) throw new ConfigError('added tokens have no embedding to begin from', BUG);
  if (typeof initial === 'object') {
    if (initial.copyOf === undefined)
      throw new ConfigError(
        'the added tokens begin as copies of the token that opens a written step, and no training sample has a written step',
        'Train on rows with a rationale, or choose a method that needs none.',
      );
    const row = embedding.rows([initial.copyOf]);
    return Float32Array.from({ length: count * H }, (_, i) => row[i % H] as number);
  }
  const { count: V } = embedding;
  const [sum, squares] = [new Float64Array(H), new Float64Array(H)];
  for (let from = 0; from < V; from += CHUNK) {
    const ids = Array.from({ length: Math.min(CHUNK, V - from) }, (_, i) => from + i);
    embedding.rows(ids).forEach((x, i) => {
      sum[i % H] = (sum[i % H] as number) + x;
      squares[i % H] = (squares[i % H] as number) + x * x;
    });
  }
  return Float32Array.from({ length: count * H }, (_, i) => {
    const mean = (sum[i % H] as number) / V;
    if (initial === 'mean') return mean;
    return mean + Math.sqrt(Math.max(0, (squares[i % H] as number) / V - mean * mean)) * rng.normal();
  });
}

/** Input embeddings of two parts of a sequence, one after the other: [B·m, H] and [B·n, H] → [B·(m + n), H]. */
export function joined(tape: Tape, first: Computed, second: Computed): Computed {
  const { batch: B } = tape;
  const H = first.shape[1] as number;
  const columns = (x: Computed): number => (x.shape[0] as number) / B;
  const [m, n] = [columns(first), columns(second)];
  return tape.compute(`${m} and ${n} positions joined`, [B * (m + n), H], [first, second], (_, [a, b]) => {
    const parts = [o.reshape(a as Tensor, [B, m, H]), o.reshape(b as Tensor, [B, n, H])];
    return o.reshape(o.concat(parts, 1), [B * (m + n), H]);
  });
}
