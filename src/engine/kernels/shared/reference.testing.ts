/**
 * The kernels again, straight from their definitions: float64, plain loops, full intermediate tensors, nothing shared with
 * kernels or twins. B samples, M rows, K latent steps, L layers, H hidden size, R = r_L·r_H.
 */

const at = (x: ArrayLike<number>, i: number): number => x[i] as number;

interface ProjectionSizes {
  readonly batch: number;
  readonly rows: number;
  readonly layers: number;
  readonly hidden: number;
  readonly rankL: number;
  readonly rankH: number;
  readonly perSample?: boolean;
}

/** G_{bm,ac} = Σ_{ℓh} X_{bmℓh} U_L,ℓa U_H,hc. */
export function projectionReference(
  x: Float32Array,
  uL: Float32Array,
  uH: Float32Array,
  s: ProjectionSizes,
): Float64Array {
  const g = new Float64Array(s.batch * s.rows * s.rankL * s.rankH);
  eachWeight(uL, uH, s, (row, cell, from, weight) => {
    const to = row * s.rankL * s.rankH + cell;
    g[to] = at(g, to) + weight * at(x, row * s.layers * s.hidden + from);
  });
  return g;
}

/** dX_{bmℓh} = Σ_{ac} dG_{bm,ac} U_L,ℓa U_H,hc. */
export function projectionTransposeReference(
  dg: Float32Array,
  uL: Float32Array,
  uH: Float32Array,
  s: ProjectionSizes,
): Float64Array {
  const dx = new Float64Array(s.batch * s.rows * s.layers * s.hidden);
  eachWeight(uL, uH, s, (row, cell, from, weight) => {
    const to = row * s.layers * s.hidden + from;
    dx[to] = at(dx, to) + weight * at(dg, row * s.rankL * s.rankH + cell);
  });
  return dx;
}

/** Every entry of U_L ⊗ U_H for every row: (row, a·r_H + c, ℓ·H + h, weight). */
function eachWeight(
  uL: Float32Array,
  uH: Float32Array,
  s: ProjectionSizes,
  visit: (row: number, cell: number, from: number, weight: number) => void,
): void {
  for (let row = 0; row < s.batch * s.rows; row++) {
    const sample = s.perSample ? Math.floor(row / s.rows) : 0;
    for (let l = 0; l < s.layers; l++)
      for (let h = 0; h < s.hidden; h++)
        for (let a = 0; a < s.rankL; a++) {
          const wl = at(uL, (sample * s.layers + l) * s.rankL + a);
          for (let c = 0; c < s.rankH; c++)
            visit(row, a * s.rankH + c, l * s.hidden + h, wl * at(uH, (sample * s.hidden + h) * s.rankH + c));
        }
  }
}

/** μ_i = Σ_m G_mi / M and C_ij = Σ_m G_mi G_mj / M of each sample. */
export function momentsReference(
  g: Float32Array,
  { batch, rows, rank }: { batch: number; rows: number; rank: number },
) {
  const mu = new Float64Array(batch * rank);
  const c = new Float64Array(batch * rank * rank);
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < rank; i++) {
      for (let m = 0; m < rows; m++) mu[b * rank + i]! += at(g, (b * rows + m) * rank + i) / rows;
      for (let j = 0; j < rank; j++)
        for (let m = 0; m < rows; m++)
          c[(b * rank + i) * rank + j]! +=
            (at(g, (b * rows + m) * rank + i) * at(g, (b * rows + m) * rank + j)) / rows;
    }
  return { mu, c };
}

/** ω_C‖C_S − C_T‖² + ω_μ‖μ_S − μ_T‖² of each sample, its parts, and the gradient of the mean over samples. */
export function momentLossReference(
  g: Float32Array,
  muT: Float32Array,
  cT: Float32Array,
  { batch, steps, rank }: { batch: number; steps: number; rank: number },
  weights: { mu: number; c: number },
) {
  const { mu, c } = momentsReference(g, { batch, rows: steps, rank });
  const loss = new Float64Array(batch);
  const terms = new Float64Array(batch * 2);
  const dg = new Float64Array(g.length);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < rank; i++) {
      terms[b * 2]! += (at(mu, b * rank + i) - at(muT, b * rank + i)) ** 2;
      for (let j = 0; j < rank; j++) {
        const ij = (b * rank + i) * rank + j;
        terms[b * 2 + 1]! += (at(c, ij) - at(cT, ij)) ** 2;
      }
    }
    loss[b] = weights.mu * at(terms, b * 2) + weights.c * at(terms, b * 2 + 1);
    for (let t = 0; t < steps; t++)
      for (let j = 0; j < rank; j++) {
        const to = (b * steps + t) * rank + j;
        let d = weights.mu * 2 * (at(mu, b * rank + j) - at(muT, b * rank + j));
        for (let i = 0; i < rank; i++) {
          const ij = (b * rank + i) * rank + j;
          d += weights.c * 4 * at(g, (b * steps + t) * rank + i) * (at(c, ij) - at(cT, ij));
        }
        dg[to] = d / (steps * batch);
      }
  }
  return { loss, terms, dg };
}

/** 1/L Σ_ℓ ‖U_Hᵀ h_ℓ/s_ℓ − target_ℓ‖² of each sample and the gradient of the mean over samples. */
export function anchorLossReference(
  h: Float32Array,
  target: Float32Array,
  uH: Float32Array,
  scale: Float32Array,
  { batch, layers, hidden, rank }: { batch: number; layers: number; hidden: number; rank: number },
) {
  const loss = new Float64Array(batch);
  const dh = new Float64Array(h.length);
  for (let row = 0; row < batch * layers; row++) {
    const s = at(scale, row % layers);
    for (let c = 0; c < rank; c++) {
      let e = -at(target, row * rank + c);
      for (let q = 0; q < hidden; q++) e += (at(h, row * hidden + q) / s) * at(uH, q * rank + c);
      loss[Math.floor(row / layers)]! += (e * e) / layers;
      for (let q = 0; q < hidden; q++)
        dh[row * hidden + q]! += (2 * e * at(uH, q * rank + c)) / (layers * batch * s);
    }
  }
  return { loss, dh };
}

/** One step of AdamW (Loshchilov and Hutter, algorithm 2, as torch.optim.AdamW) on gradients times `clip`. */
export function adamWReference(
  [param, grad, m, v]: readonly [Float32Array, Float32Array, Float32Array, Float32Array],
  clip: number,
  s: { lr: number; beta1: number; beta2: number; eps: number; weightDecay: number; step: number },
) {
  const out = {
    param: new Float64Array(param.length),
    m: new Float64Array(param.length),
    v: new Float64Array(param.length),
  };
  for (let i = 0; i < param.length; i++) {
    const g = at(grad, i) * clip;
    out.m[i] = s.beta1 * at(m, i) + (1 - s.beta1) * g;
    out.v[i] = s.beta2 * at(v, i) + (1 - s.beta2) * g ** 2;
    const mHat = at(out.m, i) / (1 - s.beta1 ** s.step);
    const vHat = at(out.v, i) / (1 - s.beta2 ** s.step);
    out.param[i] = at(param, i) - s.lr * (mHat / (Math.sqrt(vHat) + s.eps) + s.weightDecay * at(param, i));
  }
  return out;
}

/** [norm, clip, finite, sum of squares] of finite gradients. */
export function gradNormReference(grads: readonly Float32Array[], maxNorm: number): readonly number[] {
  let squares = 0;
  for (const grad of grads) for (const x of grad) squares += x * x;
  const norm = Math.sqrt(squares);
  return [norm, Math.min(1, maxNorm / (norm + 1e-6)), 1, squares];
}
