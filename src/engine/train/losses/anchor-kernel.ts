import { anchorLossCpu } from '../../kernels/anchorloss/anchorloss.cpu';
import type { Runtime } from '../../runtime/runtime';
import type { LossRun } from './state-loss';

/** The anchor loss by the CPU twin of its kernel. */
export function anchorOnCpu(
  runtime: Runtime,
  [B, L, H]: readonly [number, number, number],
  rank: number,
  beta: number,
): LossRun {
  const terms = runtime.empty('f32', [1], 'anchor term');
  const cotangent = runtime.empty('f32', [B, L, H], 'cotangent of the anchor loss');
  return {
    terms,
    cotangent,
    executables: [],
    async run(states, feeds) {
      const fed = (name: string): Float32Array => feeds[`anchor.${name}`]?.data as Float32Array;
      const scale = fed('inverseScale').map((x) => 1 / x);
      const sizes = { batch: B, layers: L, hidden: H, rank };
      const { loss, dh } = anchorLossCpu(
        states.data as Float32Array,
        fed('target'),
        fed('hiddenFactor'),
        scale,
        sizes,
      );
      terms.write(new Float32Array([(beta * loss.reduce((sum, x) => sum + x, 0)) / B]));
      cotangent.write(dh.map((x) => beta * x));
    },
    dispose() {
      terms.dispose();
      cotangent.dispose();
    },
  };
}
