import type { SvdOptions } from '../kernels/svd/svd';
import { matrixSpectra } from './matrix-spectra';
import type { ChosenStates } from './mode-basis';
import { Pace } from './pace';
import { statesAt } from './rows';
import type { StackedMatrix } from './stacks';

/** How similar the hidden states at one sample's positions are, one value per chosen layer. */
export interface Collapse {
  /** Mean cosine over all pairs of positions, averaged over samples of two positions or more; NaN without any. */
  readonly cosine: Float32Array<ArrayBuffer>;
  /** Mean effective rank of the [N, H] matrix. */
  readonly effectiveRank: Float32Array<ArrayBuffer>;
  /** Mean number of positions. */
  readonly positions: number;
  readonly kernels: readonly string[];
}

/**
 * Cosine and effective rank of positions, layer by layer. Hidden states are never centred: it is the states that collapse,
 * not their differences. Rejects like `matrixSpectra`.
 */
export async function collapse(chosen: ChosenStates, options: SvdOptions = {}): Promise<Collapse> {
  const { gathered, layers } = chosen;
  const { hidden, samples } = gathered;
  const matrices = samples.flatMap((sample) =>
    layers.map(
      (layer): StackedMatrix => ({
        label: `${sample.id}, layer ${layer}`,
        about: sample.about,
        tokens: sample.tokens,
        rows: sample.tokens,
        fill: (out) => out.set(statesAt(sample, gathered, [layer])),
      }),
    ),
  );
  const { spectra, kernels } = await matrixSpectra(matrices, hidden, options);
  const cosine = new Float32Array(layers.length);
  const effectiveRank = new Float32Array(layers.length);
  const pace = new Pace('the cosines', options.signal);
  for (const [p, layer] of layers.entries()) {
    const cosines: number[] = [];
    for (const sample of samples) {
      const c = meanCosine(statesAt(sample, gathered, [layer]), hidden);
      if (!Number.isNaN(c)) cosines.push(c);
      await pace.yieldToEventLoop();
    }
    cosine[p] = mean(cosines);
    effectiveRank[p] = mean(samples.map((_, s) => spectra[s * layers.length + p]?.effectiveRank ?? 0));
  }
  return { cosine, effectiveRank, positions: mean(samples.map((s) => s.tokens)), kernels };
}

/**
 * Mean cosine over pairs of rows of x [N, H], without rows of zeros, which have no direction. NaN for fewer than two rows.
 * Computed from ‖Σ x̂‖² = N + 2 Σ_{i<j} cos in float64.
 */
export function meanCosine(x: Float32Array, hidden: number): number {
  const sum = new Float64Array(hidden);
  let count = 0;
  for (let from = 0; from < x.length; from += hidden) {
    let square = 0;
    for (let h = 0; h < hidden; h++) square += (x[from + h] as number) ** 2;
    if (square === 0) continue;
    count++;
    const norm = Math.sqrt(square);
    for (let h = 0; h < hidden; h++) sum[h] = (sum[h] as number) + (x[from + h] as number) / norm;
  }
  if (count < 2) return Number.NaN;
  let square = 0;
  for (const s of sum) square += s * s;
  return (square - count) / (count * (count - 1));
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
