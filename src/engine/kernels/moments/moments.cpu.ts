import { expectDims, expectLength } from '../shared/check';

/** G is [B, M, R]: B samples, M rows (tokens or latent steps), R = r_L·r_H projected features. */
export interface MomentsShape {
  readonly batch: number;
  readonly rows: number;
  readonly rank: number;
}

export interface Moments {
  /** [B, R]: mean over rows. */
  readonly mu: Float32Array<ArrayBuffer>;
  /** [B, R, R]: GᵀG / M, not centred. */
  readonly c: Float32Array<ArrayBuffer>;
}

/** μ and C of each sample (LoRi §3.2). Throws `ShapeError`. */
export function momentsCpu(g: Float32Array, { batch, rows, rank }: MomentsShape): Moments {
  expectDims('moments', { batch, rows, rank });
  expectLength('moments', 'g', g.length, [batch, rows, rank]);
  const mu = new Float32Array(batch * rank);
  const c = new Float32Array(batch * rank * rank);
  const sum = new Float64Array(rank);
  const outer = new Float64Array(rank * rank);
  for (let b = 0; b < batch; b++) {
    sum.fill(0);
    outer.fill(0);
    for (let m = 0; m < rows; m++) {
      const row = (b * rows + m) * rank;
      for (let i = 0; i < rank; i++) {
        const gi = g[row + i] as number;
        sum[i] = (sum[i] as number) + gi;
        for (let j = 0; j <= i; j++)
          outer[i * rank + j] = (outer[i * rank + j] as number) + gi * (g[row + j] as number);
      }
    }
    for (let i = 0; i < rank; i++) {
      mu[b * rank + i] = (sum[i] as number) / rows;
      for (let j = 0; j <= i; j++) {
        const x = (outer[i * rank + j] as number) / rows;
        c[(b * rank + i) * rank + j] = x;
        c[(b * rank + j) * rank + i] = x;
      }
    }
  }
  return { mu, c };
}
