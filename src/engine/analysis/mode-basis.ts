import { symmetricEigenSteps } from '../kernels/shared/eigen';
import { gramSteps } from '../kernels/shared/gram';
import type { GatheredStates } from './gathered';
import { Pace, type Watched } from './pace';
import { lessRow, meanRow, statesAt } from './rows';

/** Name of the kernel that computes modes, for the page. */
export const MODE_KERNEL = 'modes (CPU)';

/** Leading directions of one mode of all samples' hidden states, in float64, so that their shares of energy add up to 1. */
export interface ModeBasis {
  /** [n]: singular values of the unfolding, largest first. */
  readonly sigma: Float64Array;
  /** [r, n]: orthonormal rows; the entry of largest magnitude in each is positive. */
  readonly vectors: Float64Array;
  /** ‖X‖². */
  readonly energy: number;
}

/** Hidden states of one model at chosen layers. */
export interface ChosenStates {
  readonly gathered: GatheredStates;
  /** 1 … L, ascending. */
  readonly layers: readonly number[];
}

/** Each sample's hidden states [N, P, H], minus `mean` if given; recomputed on every iteration. */
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
 * chosen, stacked. Its Gram matrix is summed sample by sample in float64, so that no unfolding is ever held. Values below
 * about 1e-8·σ₁ are rounding; so are the float32 states themselves below 6e-8·σ₁. Rejects with `CancelledError`.
 */
export async function modeBasis(
  chosen: readonly ChosenStates[],
  mode: 1 | 2,
  r: number,
  options: Watched & { readonly mean?: Float64Array } = {},
): Promise<ModeBasis> {
  const first = chosen[0] as ChosenStates;
  const n = mode === 1 ? first.layers.length : first.gathered.hidden;
  const gram = new Float64Array(n * n);
  const pace = new Pace('the decomposition', options.signal);
  const total = chosen.reduce((sum, { gathered }) => sum + gathered.samples.length, 0);
  let done = 0;
  const tell = (share: number) => options.onProgress?.(share);
  for (const one of chosen) {
    for (const { x } of sampleRows(one, options.mean)) {
      await pace.run(unfoldingGram(gram, x, one.layers.length, one.gathered.hidden, mode));
      tell((GRAM_SHARE * ++done) / total);
    }
  }
  let energy = 0;
  for (let i = 0; i < n; i++) energy += gram[i * n + i] as number;
  const { values, vectors } = await pace.run(symmetricEigenSteps(gram, n, r), (share) =>
    tell(GRAM_SHARE + (1 - GRAM_SHARE) * share),
  );
  tell(1);
  return { sigma: values.map((v) => Math.sqrt(Math.max(0, v))), vectors, energy };
}

/** The Gram matrix's approximate share of the work, for progress only. */
const GRAM_SHARE = 0.6;

/** Adds X₍ₙ₎X₍ₙ₎ᵀ (lower triangle) of the layer or hidden mode of x [N, P, H]. */
function* unfoldingGram(
  out: Float64Array,
  x: Float32Array,
  P: number,
  hidden: number,
  mode: 1 | 2,
): Generator<number, void> {
  const rows = x.length / hidden;
  if (mode === 2) return yield* gramSteps(out, x, 0, hidden, rows, 1, hidden);
  for (let row = 0; row < rows; row += P) yield* gramSteps(out, x, row * hidden, P, hidden, hidden, 1);
}
