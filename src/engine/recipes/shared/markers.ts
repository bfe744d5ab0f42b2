import { BUG, ConfigError } from '../../base/errors';
import type { EmbeddingRows, ModuleParameter } from '../../nn/parameters';

/** Learned embeddings of the two tokens between which latents are fed: rows of one trained parameter. */
export const MARKERS = 'markers';
export const [START, END] = [0, 1] as const;

/** @param from the token whose embedding both begin as, or the mean over the vocabulary */
export const markerParameter = (hidden: number, from: number | 'mean' | undefined): ModuleParameter => ({
  name: MARKERS,
  shape: [2, hidden],
  initial(_rng, embedding) {
    if (!embedding || from === undefined)
      throw new ConfigError('the markers of the latents have no embedding to begin from', BUG);
    const row = from === 'mean' ? meanRow(embedding, hidden) : embedding.rows([from]);
    return Float32Array.from({ length: 2 * hidden }, (_, i) => row[i % hidden] as number);
  },
});

/** Rows of the embedding read at once. */
const CHUNK = 1024;

function meanRow(embedding: EmbeddingRows, H: number): Float32Array {
  const sum = new Float64Array(H);
  for (let from = 0; from < embedding.count; from += CHUNK) {
    const ids = Array.from({ length: Math.min(CHUNK, embedding.count - from) }, (_, i) => from + i);
    embedding.rows(ids).forEach((x, i) => {
      sum[i % H] = (sum[i % H] as number) + x;
    });
  }
  return Float32Array.from(sum, (x) => x / embedding.count);
}
