import { symmetricEigen } from '../kernels/shared/eigen';
import type { GatheredStates } from './gathered';
import { Pace, type Watched } from './pace';
import { lessRow, meanRow, statesAt } from './rows';
import { addModeGram, type Mode } from './tucker';

/** Leading directions of one mode of all samples' states, in float64: shares of energy read off them add up to 1. */
export interface ModeBasis {
  /** [n]: singular values of the unfolding, largest first. */
  readonly sigma: Float64Array;
  /** [r, n]: orthonormal rows; in each the entry of largest magnitude is positive. */
  readonly vectors: Float64Array;
  /** ‖X‖². */
  readonly energy: number;
}

/** States of one model at its chosen layers. */
export interface ChosenStates {
  readonly gathered: GatheredStates;
  /** 1 … L, ascending. */
  readonly layers: readonly number[];
}

/** Each sample's states [N, P, H], less `mean` where there is one; made anew at each turn. */
export function* sampleRows({ gathered, layers }: ChosenStates, mean?: Float64Array) {
  for (const sample of gathered.samples) {
    const x = statesAt(sample, gathered, layers);
    yield { sample, x: mean ? lessRow(x, mean, new Float32Array(x.length)) : x };
  }
}

/** The mean row [H] of everything chosen. */
export function meanOf(chosen: readonly ChosenStates[], hidden: number): Float64Array {
  function* all() {
    for (const one of chosen) for (const { x } of sampleRows(one)) yield x;
  }
  return meanRow(all(), hidden);
}

/**
 * The r leading left vectors and all singular values of the mode-1 (layers) or mode-2 (hidden) unfolding of everything
 * chosen, stacked. Its Gram matrix is summed sample by sample in float64: no unfolding is ever held. Values below
 * about 1e-8·σ₁ are rounding, as the float32 states themselves are below 6e-8·σ₁. Rejects with `CancelledError`.
 */
export async function modeBasis(
  chosen: readonly ChosenStates[],
  mode: Exclude<Mode, 0>,
  r: number,
  options: Watched & { readonly mean?: Float64Array } = {},
): Promise<ModeBasis> {
  const first = chosen[0] as ChosenStates;
  const n = mode === 1 ? first.layers.length : first.gathered.hidden;
  const gram = new Float64Array(n * n);
  const pace = new Pace('the decomposition', options.signal);
  const total = chosen.reduce((sum, { gathered }) => sum + gathered.samples.length, 0);
  let done = 0;
  for (const one of chosen) {
    for (const { sample, x } of sampleRows(one, options.mean)) {
      addModeGram(gram, x, [sample.tokens, one.layers.length, one.gathered.hidden], mode);
      options.onProgress?.(++done / total);
      await pace.breathe();
    }
  }
  let energy = 0;
  for (let i = 0; i < n; i++) energy += gram[i * n + i] as number;
  const { values, vectors } = symmetricEigen(gram, n, r);
  return { sigma: values.map((v) => Math.sqrt(Math.max(0, v))), vectors, energy };
}
