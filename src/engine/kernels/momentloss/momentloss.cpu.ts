import { expectDims, expectLength } from '../shared/check';

/** G_S is [B, K, R]: B samples, K latent steps, R = r_L·r_H. */
export interface MomentLossShape {
  readonly batch: number;
  readonly steps: number;
  readonly rank: number;
}

export interface MomentWeights {
  /** ω_μ, on ‖μ_S − μ_T‖². */
  readonly mu: number;
  /** ω_C, on ‖C_S − C_T‖_F². */
  readonly c: number;
}

export interface MomentLoss {
  /** [B]: ω_C‖C_S − C_T‖_F² + ω_μ‖μ_S − μ_T‖² of each sample. */
  readonly loss: Float32Array<ArrayBuffer>;
  /** [B, 2]: the two squared distances before their weights, mean first, then covariance. */
  readonly terms: Float32Array<ArrayBuffer>;
  /** [B, K, R]: gradient of the MEAN of `loss` over the batch. */
  readonly dg: Float32Array<ArrayBuffer>;
}

/**
 * L_rationale (LoRi §3.2) and its gradient. With D = C_S − C_T (symmetric, C_T must be too) and δ = μ_S − μ_T, row t:
 * dg_t = (1/B)·[(4ω_C/K)·g_t D + (2ω_μ/K)·δ]. Throws `ShapeError`.
 */
export function momentLossCpu(
  g: Float32Array,
  muT: Float32Array,
  cT: Float32Array,
  shape: MomentLossShape,
  weights: MomentWeights,
): MomentLoss {
  const { batch, steps, rank } = shape;
  expectDims('momentloss', { batch, steps, rank });
  expectLength('momentloss', 'g', g.length, [batch, steps, rank]);
  expectLength('momentloss', 'muT', muT.length, [batch, rank]);
  expectLength('momentloss', 'cT', cT.length, [batch, rank, rank]);
  const loss = new Float32Array(batch);
  const terms = new Float32Array(batch * 2);
  const dg = new Float32Array(g.length);
  const delta = new Float64Array(rank);
  const row = new Float64Array(rank);
  const grad = new Float64Array(steps * rank);
  for (let b = 0; b < batch; b++) {
    const g0 = b * steps * rank;
    let meanTerm = 0;
    for (let i = 0; i < rank; i++) {
      let s = 0;
      for (let t = 0; t < steps; t++) s += g[g0 + t * rank + i] as number;
      const x = s / steps - (muT[b * rank + i] as number);
      delta[i] = x;
      meanTerm += x * x;
    }
    let covTerm = 0;
    grad.fill(0);
    for (let i = 0; i < rank; i++) {
      // Row i of D, then its share of G·D, so that the whole of D is never stored.
      row.fill(0);
      for (let t = 0; t < steps; t++) {
        const gi = (g[g0 + t * rank + i] as number) / steps;
        for (let j = 0; j < rank; j++) row[j] = (row[j] as number) + gi * (g[g0 + t * rank + j] as number);
      }
      for (let j = 0; j < rank; j++) {
        const x = (row[j] as number) - (cT[(b * rank + i) * rank + j] as number);
        row[j] = x;
        covTerm += x * x;
      }
      for (let t = 0; t < steps; t++) {
        const gi = g[g0 + t * rank + i] as number;
        for (let j = 0; j < rank; j++)
          grad[t * rank + j] = (grad[t * rank + j] as number) + gi * (row[j] as number);
      }
    }
    loss[b] = weights.c * covTerm + weights.mu * meanTerm;
    terms[b * 2] = meanTerm;
    terms[b * 2 + 1] = covTerm;
    const onD = (4 * weights.c) / (steps * batch);
    const onDelta = (2 * weights.mu) / (steps * batch);
    for (let t = 0; t < steps; t++) {
      for (let j = 0; j < rank; j++) {
        dg[g0 + t * rank + j] = onD * (grad[t * rank + j] as number) + onDelta * (delta[j] as number);
      }
    }
  }
  return { loss, terms, dg };
}
