import * as o from '../../../graph/ops';
import type { StateLoss } from '../../../train/losses/state-loss';
import { smooth } from './distance';
import { pickRows } from './pick-rows';
import { total } from './total';

/**
 * CODI's distillation term: smooth L1 (β = 1, mean over B×H) between the student's and the teacher's hidden states at the
 * anchor, divided in each layer by the unbiased standard deviation of the teacher's B×H values, averaged over layers.
 * Left out: the embedding layer, which CODI's code includes.
 * @param teacher states [n, L, H]
 */
export function smoothL1Loss(
  teacher: Float32Array,
  weight: number,
  sizes: { readonly layers: number; readonly hidden: number },
): StateLoss {
  const { layers: L, hidden: H } = sizes;
  return {
    terms: weight === 0 ? [] : ['codi'],
    trace(states) {
      const { graph } = states;
      const B = states.shape[0] as number;
      const difference = o.abs(o.sub(states, graph.input('codi.target', [B, L, H])));
      const scaled = o.mul(smooth(difference), graph.input('codi.inverseStd', [1, L, 1]));
      return [o.mul(total(scaled), weight / (L * B * H))];
    },
    feeds(samples) {
      const target = pickRows(teacher, L * H, samples, [L, H]);
      const inverse = new Float32Array(L);
      for (let l = 0; l < L; l++)
        inverse[l] = 1 / layerStd(target.data as Float32Array, samples.length, L, H, l);
      return { 'codi.target': target, 'codi.inverseStd': { dtype: 'f32', shape: [1, L, 1], data: inverse } };
    },
  };
}

/** Unbiased standard deviation of layer l's B×H values of [B, L, H]. */
function layerStd(data: Float32Array, B: number, L: number, H: number, l: number): number {
  let [sum, squares] = [0, 0];
  const count = B * H;
  const each = (visit: (x: number) => void): void => {
    for (let b = 0; b < B; b++) for (let h = 0; h < H; h++) visit(data[(b * L + l) * H + h] as number);
  };
  each((x) => {
    sum += x;
  });
  each((x) => {
    squares += (x - sum / count) ** 2;
  });
  return Math.sqrt(squares / (count - 1)) || 1;
}
