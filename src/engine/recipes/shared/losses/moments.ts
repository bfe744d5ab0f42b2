import * as o from '../../../graph/ops';
import type { StateLoss } from '../../../train/losses/state-loss';
import { momentsOnCpu, momentsOnGpu } from './moments-kernel';
import { pickRows } from './pick-rows';
import { total } from './total';

/** The teacher's low-rank statistics over n samples; R = r_L·r_H. */
export interface MomentTargets {
  /** r_L, r_H */
  readonly layerRank: number;
  readonly hiddenRank: number;
  /** U_L [n or 1, L, r_L], each row ℓ divided by that layer's scale; U_H [n or 1, H, r_H]. */
  readonly layerFactor: Float32Array;
  readonly hiddenFactor: Float32Array;
  /** Whether each sample has factors of its own. */
  readonly perSample: boolean;
  /** μ_T [n, R], C_T [n, R, R] */
  readonly mean: Float32Array;
  readonly covariance: Float32Array;
}

const TERMS = ['covariance', 'mean'] as const;

/**
 * ω_C‖C_S − C_T‖²_F + ω_μ‖μ_S − μ_T‖², the mean over the batch (LoRi §3.2): G = H_S ×₂ U_Lᵀ ×₃ U_Hᵀ as [B, K, R], μ its
 * mean over K, C = GᵀG/K, not centred.
 */
export function momentLoss(
  targets: MomentTargets,
  weights: { readonly covariance: number; readonly mean: number },
  sizes: { readonly layers: number; readonly hidden: number },
): StateLoss {
  const { layerRank: rL, hiddenRank: rH } = targets;
  const { layers: L, hidden: H } = sizes;
  const R = rL * rH;
  return {
    terms: TERMS.filter((term) => weights[term] !== 0),
    trace(states) {
      const { graph } = states;
      const [B, K] = states.shape as readonly [number, number];
      const lead = targets.perSample ? B : 1;
      const uL = graph.input('moments.layerFactor', [lead, L, rL]);
      const uH = graph.input('moments.hiddenFactor', [lead, H, rH]);
      const inHidden = o.matmul(states, o.reshape(uH, [lead, 1, H, rH]));
      const projected = o.matmul(o.reshape(uL, [lead, 1, L, rL]), inHidden, { transA: true });
      const g = o.reshape(projected, [B, K, R]);
      const distance = {
        covariance: () =>
          o.sub(o.mul(o.matmul(g, g, { transA: true }), 1 / K), graph.input('moments.covariance', [B, R, R])),
        mean: () => o.sub(o.reduceMean(g, [1]), graph.input('moments.mean', [B, R])),
      };
      return TERMS.filter((term) => weights[term] !== 0).map((term) =>
        o.mul(total(o.square(distance[term]())), weights[term] / B),
      );
    },
    feeds(samples) {
      const factors = targets.perSample ? samples : [0];
      return {
        'moments.layerFactor': pickRows(targets.layerFactor, L * rL, factors, [L, rL]),
        'moments.hiddenFactor': pickRows(targets.hiddenFactor, H * rH, factors, [H, rH]),
        'moments.mean': pickRows(targets.mean, R, samples, [R]),
        'moments.covariance': pickRows(targets.covariance, R * R, samples, [R, R]),
      };
    },
    async kernel(runtime, shape, device) {
      const spec = {
        shape,
        layerRank: rL,
        hiddenRank: rH,
        perSample: targets.perSample,
        covariance: weights.covariance,
        mean: weights.mean,
      };
      return device ? momentsOnGpu(runtime, spec, device) : momentsOnCpu(runtime, spec);
    },
  };
}
