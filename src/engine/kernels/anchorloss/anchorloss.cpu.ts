import { expectDims, expectLength } from '../shared/check';

/** B samples, L layers, H hidden size, r the rank of U_H^(a). */
export interface AnchorLossShape {
  readonly batch: number;
  readonly layers: number;
  readonly hidden: number;
  readonly rank: number;
}

export interface AnchorLoss {
  /** [B]: 1/L Σ_ℓ ‖U_Hᵀ (h_ℓ / s_ℓ) − target_ℓ‖². */
  readonly loss: Float32Array<ArrayBuffer>;
  /** [B, L, H]: gradient of the MEAN of `loss` over the batch. */
  readonly dh: Float32Array<ArrayBuffer>;
}

/**
 * L_anchor (LoRi §3.3) and its gradient: dh_ℓ = 2/(L·B·s_ℓ) · U_H (U_Hᵀ h_ℓ/s_ℓ − target_ℓ).
 * h [B, L, H], the student's hidden states at the anchor; target [B, L, r] = U_H^(a)ᵀ h_T, already scaled; uH [H, r];
 * layerScale [L] = s (ours; all ones in the paper). Throws `ShapeError`.
 */
export function anchorLossCpu(
  h: Float32Array,
  target: Float32Array,
  uH: Float32Array,
  layerScale: Float32Array,
  shape: AnchorLossShape,
): AnchorLoss {
  const { batch, layers, hidden, rank } = shape;
  expectDims('anchorloss', { batch, layers, hidden, rank });
  expectLength('anchorloss', 'h', h.length, [batch, layers, hidden]);
  expectLength('anchorloss', 'target', target.length, [batch, layers, rank]);
  expectLength('anchorloss', 'uH', uH.length, [hidden, rank]);
  expectLength('anchorloss', 'layerScale', layerScale.length, [layers]);
  const loss = new Float32Array(batch);
  const dh = new Float32Array(h.length);
  const e = new Float64Array(rank);
  for (let b = 0; b < batch; b++) {
    let total = 0;
    for (let l = 0; l < layers; l++) {
      const row = b * layers + l;
      const scale = layerScale[l] as number;
      e.fill(0);
      for (let q = 0; q < hidden; q++) {
        const x = (h[row * hidden + q] as number) / scale;
        for (let c = 0; c < rank; c++) e[c] = (e[c] as number) + x * (uH[q * rank + c] as number);
      }
      for (let c = 0; c < rank; c++) {
        const d = (e[c] as number) - (target[row * rank + c] as number);
        e[c] = d;
        total += d * d;
      }
      const weight = 2 / (layers * batch * scale);
      for (let q = 0; q < hidden; q++) {
        let s = 0;
        for (let c = 0; c < rank; c++) s += (uH[q * rank + c] as number) * (e[c] as number);
        dh[row * hidden + q] = weight * s;
      }
    }
    loss[b] = total / layers;
  }
  return { loss, dh };
}
