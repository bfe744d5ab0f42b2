import type { Device } from '../../../device/device';
import { Graph } from '../../../graph/graph';
import * as o from '../../../graph/ops';
import { createMomentLoss, momentLossScratch } from '../../../kernels/momentloss/momentloss';
import { momentLossCpu } from '../../../kernels/momentloss/momentloss.cpu';
import { createProjection } from '../../../kernels/projection/projection';
import { projectionCpu, projectionTransposeCpu } from '../../../kernels/projection/projection.cpu';
import { BoundInputs } from '../../../runtime/bound-inputs';
import { kernelBuffer } from '../../../runtime/kernel-buffer';
import type { Runtime } from '../../../runtime/runtime';
import type { LossRun } from '../../../train/losses/state-loss';

export interface MomentKernelSpec {
  /** [B, K, L, H] */
  readonly shape: readonly number[];
  readonly layerRank: number;
  readonly hiddenRank: number;
  readonly perSample: boolean;
  /** ω_C, ω_μ */
  readonly covariance: number;
  readonly mean: number;
}

function sizesOf(spec: MomentKernelSpec) {
  const [B, K, L, H] = spec.shape as readonly [number, number, number, number];
  const { layerRank: rankL, hiddenRank: rankH, perSample } = spec;
  return {
    projection: { batch: B, rows: K, layers: L, hidden: H, rankL, rankH, perSample },
    moments: { batch: B, steps: K, rank: rankL * rankH },
    weights: { mu: spec.mean, c: spec.covariance },
  };
}

/** Which of covariance (0) and mean (1) have a weight. */
const keptTerms = ({ covariance, mean }: MomentKernelSpec): (0 | 1)[] => [
  ...(covariance === 0 ? [] : [0 as const]),
  ...(mean === 0 ? [] : [1 as const]),
];

/** The moment loss, computed by its kernels' CPU twins: project, compare moments, propagate the gradient back. */
export function momentsOnCpu(runtime: Runtime, spec: MomentKernelSpec): LossRun {
  const { projection, moments, weights } = sizesOf(spec);
  const { batch: B } = moments;
  const kept = keptTerms(spec);
  const terms = runtime.empty('f32', [kept.length], 'moment terms');
  const cotangent = runtime.empty('f32', spec.shape, 'cotangent of the moment loss');
  return {
    terms,
    cotangent,
    executables: [],
    async run(states, feeds) {
      const fed = (name: string): Float32Array => feeds[`moments.${name}`]?.data as Float32Array;
      const [uL, uH] = [fed('layerFactor'), fed('hiddenFactor')];
      const g = projectionCpu(states.data as Float32Array, uL, uH, projection);
      const loss = momentLossCpu(g, fed('mean'), fed('covariance'), moments, weights);
      let [mean, covariance] = [0, 0];
      for (let b = 0; b < B; b++) {
        mean += loss.terms[2 * b] as number;
        covariance += loss.terms[2 * b + 1] as number;
      }
      const both = [(weights.c * covariance) / B, (weights.mu * mean) / B];
      terms.write(Float32Array.from(kept, (i) => both[i] as number));
      cotangent.write(projectionTransposeCpu(loss.dg, uL, uH, projection));
    },
    dispose() {
      terms.dispose();
      cotangent.dispose();
    },
  };
}

/** The moment loss, computed by its shaders from buffer to buffer on the runtime's device. */
export async function momentsOnGpu(
  runtime: Runtime,
  spec: MomentKernelSpec,
  device: Device,
): Promise<LossRun> {
  const { projection, moments, weights } = sizesOf(spec);
  const { batch: B, steps: K, rank: R } = moments;
  const project = await createProjection(device);
  const momentLoss = await createMomentLoss(device);
  const graph = new Graph();
  const distances = graph.input('distances', [B, 2]);
  const sumOf = (column: number) => o.reduceSum(o.slice(distances, 1, column, column + 1), [0]);
  const both = [o.mul(sumOf(1), weights.c / B), o.mul(sumOf(0), weights.mu / B)] as const;
  const kept = keptTerms(spec);
  const weighted = o.concat(
    kept.map((i) => both[i]),
    0,
  );
  const total = await runtime.compile({ name: 'moment terms', outputs: { terms: weighted } });

  const inputs = new BoundInputs(runtime, (name) => name.startsWith('moments.'));
  const tensors = {
    terms: runtime.empty('f32', [kept.length], 'moment terms'),
    cotangent: runtime.empty('f32', spec.shape, 'cotangent of the moment loss'),
    g: runtime.empty('f32', [B, K, R], 'projected states'),
    dg: runtime.empty('f32', [B, K, R], 'cotangent of the projected states'),
    loss: runtime.empty('f32', [B], 'moment loss of each sample'),
    distances: runtime.empty('f32', [B, 2], 'squared distances of moments'),
    scratch: runtime.empty('f32', [momentLossScratch(moments) / 4], 'moment loss scratch'),
  };
  return {
    terms: tensors.terms,
    cotangent: tensors.cotangent,
    executables: [total],
    async run(states, feeds) {
      inputs.writeAll(feeds);
      const fed = (name: string) => kernelBuffer(inputs.tensors[`moments.${name}`] as (typeof tensors)['g']);
      const [uL, uH, mean, covariance] = [
        fed('layerFactor'),
        fed('hiddenFactor'),
        fed('mean'),
        fed('covariance'),
      ];
      const [g, dg] = [kernelBuffer(tensors.g), kernelBuffer(tensors.dg)];
      const out = {
        loss: kernelBuffer(tensors.loss),
        terms: kernelBuffer(tensors.distances),
        dg,
        scratch: kernelBuffer(tensors.scratch),
      };
      device.record('moment loss', (batch) => {
        project.project(batch, kernelBuffer(states), uL, uH, g, projection);
        momentLoss(batch, g, mean, covariance, out, moments, weights);
        project.transpose(batch, dg, uL, uH, kernelBuffer(tensors.cotangent), projection);
      });
      await total.run({ distances: tensors.distances }, { terms: tensors.terms });
    },
    dispose() {
      inputs.dispose();
      for (const tensor of Object.values(tensors)) tensor.dispose();
      total.dispose();
    },
  };
}
