import * as o from '../../../graph/ops';
import type { StateLoss } from '../../../train/losses/state-loss';
import { anchorOnCpu, anchorOnGpu } from './anchor-kernel';
import { pickRows } from './pick-rows';
import { total } from './total';

/** The teacher's hidden states at the anchor, projected onto the hidden-mode subspace; n samples. */
export interface AnchorTargets {
  /** r_H^(a) */
  readonly rank: number;
  /** U_H^(a) [H, r] */
  readonly hiddenFactor: Float32Array;
  /** U_H^(a)ᵀ h_ℓ of the scaled teacher states, [n, L, r] */
  readonly projected: Float32Array;
  /** 1 / the layer's scale, [L]; all 1 without normalisation. */
  readonly inverseScale: Float32Array;
}

/** β · 1/L Σ_ℓ ‖U_H^(a)ᵀ h_ℓ − U_H^(a)ᵀ h′_ℓ‖², the mean over the batch (LoRi §3.3). */
export function anchorLoss(
  targets: AnchorTargets,
  beta: number,
  sizes: { readonly layers: number; readonly hidden: number },
): StateLoss {
  const { layers: L, hidden: H } = sizes;
  const { rank } = targets;
  return {
    terms: beta === 0 ? [] : ['anchor'],
    trace(states) {
      const { graph } = states;
      const B = states.shape[0] as number;
      const scaled = o.mul(states, graph.input('anchor.inverseScale', [1, L, 1]));
      const projected = o.gemm(o.reshape(scaled, [B * L, H]), graph.input('anchor.hiddenFactor', [H, rank]));
      const difference = o.sub(
        projected,
        o.reshape(graph.input('anchor.target', [B, L, rank]), [B * L, rank]),
      );
      return [o.mul(total(o.square(difference)), beta / (B * L))];
    },
    feeds: (samples) => ({
      'anchor.inverseScale': {
        dtype: 'f32',
        shape: [1, L, 1],
        data: Float32Array.from(targets.inverseScale),
      },
      'anchor.hiddenFactor': {
        dtype: 'f32',
        shape: [H, rank],
        data: Float32Array.from(targets.hiddenFactor),
      },
      'anchor.target': pickRows(targets.projected, L * rank, samples, [L, rank]),
    }),
    async kernel(runtime, shape, device) {
      const spec = { shape, rank, beta };
      return device ? anchorOnGpu(runtime, spec, device) : anchorOnCpu(runtime, spec);
    },
  };
}
