import { expectDims, expectLength } from '../shared/check';

/** B samples, M rows, L layers, H hidden size, r_L and r_H the ranks of the factors. */
export interface ProjectionShape {
  readonly batch: number;
  readonly rows: number;
  readonly layers: number;
  readonly hidden: number;
  readonly rankL: number;
  readonly rankH: number;
  /** Factors are [B, L, r_L] and [B, H, r_H], one pair per sample, instead of one shared pair. Default false. */
  readonly perSample?: boolean;
}

function check(s: ProjectionShape, uL: Float32Array, uH: Float32Array): void {
  const { batch, rows, layers, hidden, rankL, rankH } = s;
  expectDims('projection', { batch, rows, layers, hidden, rankL, rankH });
  const factors = s.perSample ? batch : 1;
  expectLength('projection', 'uL', uL.length, [factors, layers, rankL]);
  expectLength('projection', 'uH', uH.length, [factors, hidden, rankH]);
}

/**
 * G = X ×₂ U_Lᵀ ×₃ U_Hᵀ (LoRi §3.2): x [B, M, L, H] → [B, M, r_L·r_H], feature a·r_H + c from U_L's column a and
 * U_H's column c. A scale per layer is folded into U_L (`scaledLayerFactor`). Throws `ShapeError`.
 */
export function projectionCpu(x: Float32Array, uL: Float32Array, uH: Float32Array, shape: ProjectionShape) {
  check(shape, uL, uH);
  const { batch, rows, layers, hidden, rankL, rankH } = shape;
  expectLength('projection', 'x', x.length, [batch, rows, layers, hidden]);
  const rank = rankL * rankH;
  const g = new Float32Array(batch * rows * rank);
  const acc = new Float64Array(rank);
  const t = new Float64Array(rankH);
  let columns = columnsOf(uH, 0, hidden, rankH);
  for (let row = 0; row < batch * rows; row++) {
    const sample = shape.perSample ? Math.floor(row / rows) : 0;
    if (shape.perSample && row > 0 && row % rows === 0) columns = columnsOf(uH, sample, hidden, rankH);
    acc.fill(0);
    for (let l = 0; l < layers; l++) {
      productWith(columns, x, (row * layers + l) * hidden, hidden, t);
      for (let a = 0; a < rankL; a++) {
        const w = uL[(sample * layers + l) * rankL + a] as number;
        for (let c = 0; c < rankH; c++)
          acc[a * rankH + c] = (acc[a * rankH + c] as number) + w * (t[c] as number);
      }
    }
    g.set(acc, row * rank);
  }
  return g;
}

/** A sample's U_H by columns, [r_H, H]. */
function columnsOf(uH: Float32Array, sample: number, hidden: number, rankH: number): Float64Array {
  const columns = new Float64Array(rankH * hidden);
  for (let h = 0; h < hidden; h++)
    for (let c = 0; c < rankH; c++) columns[c * hidden + h] = uH[(sample * hidden + h) * rankH + c] as number;
  return columns;
}

/** t = Uᵀx of one vector, four columns at a time; each sum is made in the order of h. */
function productWith(u: Float64Array, x: Float32Array, from: number, hidden: number, t: Float64Array): void {
  let c = 0;
  for (; c + 4 <= t.length; c += 4) {
    const u0 = c * hidden;
    const u1 = u0 + hidden;
    const u2 = u1 + hidden;
    const u3 = u2 + hidden;
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let h = 0; h < hidden; h++) {
      const xh = x[from + h] as number;
      s0 += xh * (u[u0 + h] as number);
      s1 += xh * (u[u1 + h] as number);
      s2 += xh * (u[u2 + h] as number);
      s3 += xh * (u[u3 + h] as number);
    }
    t[c] = s0;
    t[c + 1] = s1;
    t[c + 2] = s2;
    t[c + 3] = s3;
  }
  for (; c < t.length; c++) {
    let sum = 0;
    for (let h = 0; h < hidden; h++) sum += (x[from + h] as number) * (u[c * hidden + h] as number);
    t[c] = sum;
  }
}

/** The transpose, which propagates a gradient back: dg [B, M, r_L·r_H] → dx [B, M, L, H]. Throws `ShapeError`. */
export function projectionTransposeCpu(
  dg: Float32Array,
  uL: Float32Array,
  uH: Float32Array,
  shape: ProjectionShape,
) {
  check(shape, uL, uH);
  const { batch, rows, layers, hidden, rankL, rankH } = shape;
  const rank = rankL * rankH;
  expectLength('projection', 'dg', dg.length, [batch, rows, rank]);
  const dx = new Float32Array(batch * rows * layers * hidden);
  const t = new Float64Array(rankH);
  for (let row = 0; row < batch * rows; row++) {
    const sample = shape.perSample ? Math.floor(row / rows) : 0;
    for (let l = 0; l < layers; l++) {
      t.fill(0);
      for (let a = 0; a < rankL; a++) {
        const w = uL[(sample * layers + l) * rankL + a] as number;
        for (let c = 0; c < rankH; c++)
          t[c] = (t[c] as number) + w * (dg[row * rank + a * rankH + c] as number);
      }
      for (let h = 0; h < hidden; h++) {
        const u = (sample * hidden + h) * rankH;
        let s = 0;
        for (let c = 0; c < rankH; c++) s += (t[c] as number) * (uH[u + c] as number);
        dx[(row * layers + l) * hidden + h] = s;
      }
    }
  }
  return dx;
}
