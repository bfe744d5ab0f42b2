import type { HostTensor } from '../../base/dtype';
import type { Tensor } from '../../graph/graph';

/**
 * A loss on hidden states of the student, besides cross entropy. It is traced into the step's graph, or, where the step
 * is made of small programs, run on its own between the forward and the reverse sweep.
 */
export interface StateLoss {
  /** What it reads: latent states [B, K, L, H], or the states at the anchor [B, L, H]. */
  readonly reads: 'latents' | 'anchor';
  /** Names of its terms, in the order `trace` gives them. */
  readonly terms: readonly string[];
  /** Weighted scalar terms; targets are read as graph inputs named as in `feeds`. */
  trace(states: Tensor): readonly Tensor[];
  /** The targets of a batch, by input name. @param samples indices into the training set */
  feeds(samples: readonly number[]): Record<string, HostTensor>;
}

/** Rows `samples` of a [n, …] array: [B, …]. */
export function pickRows(data: Float32Array, width: number, samples: readonly number[], shape: readonly number[]): HostTensor {
  const out = new Float32Array(samples.length * width);
  samples.forEach((sample, i) => {
    out.set(data.subarray(sample * width, (sample + 1) * width), i * width);
  });
  return { dtype: 'f32', shape: [samples.length, ...shape], data: out };
}
