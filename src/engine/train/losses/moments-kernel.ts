import { momentLossCpu } from '../../kernels/momentloss/momentloss.cpu';
import { projectionCpu, projectionTransposeCpu } from '../../kernels/projection/projection.cpu';
import type { Runtime } from '../../runtime/runtime';
import type { MomentTargets } from './moments';
import type { LossRun } from './state-loss';

/** The moment loss by the CPU twins of its kernels: project, compare moments, carry the gradient back. */
export function momentsOnCpu(
  runtime: Runtime,
  [B, K, L, H]: readonly [number, number, number, number],
  targets: Pick<MomentTargets, 'layerRank' | 'hiddenRank' | 'perSample'>,
  weights: { readonly covariance: number; readonly mean: number },
): LossRun {
  const { layerRank, hiddenRank, perSample } = targets;
  const rank = layerRank * hiddenRank;
  const shape = { batch: B, rows: K, layers: L, hidden: H, rankL: layerRank, rankH: hiddenRank, perSample };
  const terms = runtime.empty('f32', [2], 'moment terms');
  const cotangent = runtime.empty('f32', [B, K, L, H], 'cotangent of the moment loss');
  return {
    terms,
    cotangent,
    executables: [],
    async run(states, feeds) {
      const fed = (name: string): Float32Array => feeds[`moments.${name}`]?.data as Float32Array;
      const [uL, uH] = [fed('layerFactor'), fed('hiddenFactor')];
      const g = projectionCpu(states.data as Float32Array, uL, uH, shape);
      const by = { mu: weights.mean, c: weights.covariance };
      const loss = momentLossCpu(g, fed('mean'), fed('covariance'), { batch: B, steps: K, rank }, by);
      let [mean, covariance] = [0, 0];
      for (let b = 0; b < B; b++) {
        mean += loss.terms[2 * b] as number;
        covariance += loss.terms[2 * b + 1] as number;
      }
      terms.write(new Float32Array([(weights.covariance * covariance) / B, (weights.mean * mean) / B]));
      cotangent.write(projectionTransposeCpu(loss.dg, uL, uH, shape));
    },
    dispose() {
      terms.dispose();
      cotangent.dispose();
    },
  };
}
