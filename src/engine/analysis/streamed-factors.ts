import { expectDims, expectFinite } from '../kernels/shared/check';
import { type FactorSizes, spreads, teacherFactors } from './lori-factors';
import { addModeGram, modeVectors } from './tucker';

/** U_L [L, r_L] and U_H [H, r_H]. */
export interface SharedFactors {
  readonly uL: Float32Array<ArrayBuffer>;
  readonly uH: Float32Array<ArrayBuffer>;
}

/** Bytes of the Gram matrices of `StateSums`. */
export const sumsBytes = (layers: number, hidden: number, scaled: boolean): number =>
  Float64Array.BYTES_PER_ELEMENT * (layers ** 2 + (scaled ? layers : 1) * hidden ** 2);

/**
 * What one reading of the teacher leaves of its hidden states, sample by sample: the spread of each layer and, if asked for,
 * the Gram matrices of the layer and the hidden mode. Where layers are to be divided by their spread, which is known only
 * after the last sample, the hidden mode has a matrix for each layer: L · H² float64 values, whatever the samples.
 *
 * `teacherFactors` finds the same from all samples at once; there each scaled state is rounded to float32 (6e-8 of itself)
 * before it is squared, here the sums are scaled in float64.
 */
export class StateSums {
  private count = 0;
  private readonly mean: Float64Array;
  private readonly square: Float64Array;
  private readonly gramL: Float64Array;
  private gramsH: readonly Float64Array[];

  constructor(
    private readonly layers: number,
    private readonly hidden: number,
    wanted: { readonly grams: boolean; readonly scaled: boolean },
  ) {
    expectDims('teacher sums', { layers, hidden });
    this.mean = new Float64Array(layers);
    this.square = new Float64Array(layers);
    this.gramL = new Float64Array(wanted.grams ? layers * layers : 0);
    const matrices = wanted.grams ? (wanted.scaled ? layers : 1) : 0;
    this.gramsH = Array.from({ length: matrices }, () => new Float64Array(hidden * hidden));
  }

  /** Adds one sample [N, L, H]. Yields every few milliseconds. Throws `NumericError` for NaN and infinities. */
  *add(states: Float32Array, sample: number): Generator<number, void> {
    const { layers, hidden, gramsH } = this;
    expectFinite('teacher factors', `sample ${sample}`, states);
    const tokens = states.length / (layers * hidden);
    this.addSpread(states, tokens);
    yield 0;
    if (gramsH.length === 0) return;
    const shape = [tokens, layers, hidden] as const;
    yield* addModeGram(this.gramL, states, shape, 1);
    if (gramsH.length === 1) yield* addModeGram(gramsH[0] as Float64Array, states, shape, 2);
    else
      for (const [layer, gram] of gramsH.entries())
        yield* addModeGram(gram, layerOf(states, layer, shape), [tokens, 1, hidden], 2);
  }

  /** Standard deviation of each layer over all that was added, as `layerStd` has it: [L]. */
  std(): Float32Array<ArrayBuffer> {
    return spreads(this.square, this.count * this.hidden);
  }

  /** U_L and U_H of everything added, each layer divided by `layerScale`. Takes the sums. Yields and throws like `modeVectors`. */
  *factors({
    rankL,
    rankH,
    layerScale,
  }: Omit<FactorSizes, 'layers' | 'hidden'>): Generator<number, SharedFactors> {
    const { layers, hidden, gramL, gramsH } = this;
    this.gramsH = [];
    const scaleOf = (layer: number): number => layerScale[layer] as number;
    for (let i = 0; i < layers; i++)
      for (let j = 0; j <= i; j++)
        gramL[i * layers + j] = (gramL[i * layers + j] as number) / (scaleOf(i) * scaleOf(j));
    const [sum, ...others] = gramsH as readonly [Float64Array, ...Float64Array[]];
    if (gramsH.length > 1) {
      const weights = Float64Array.from({ length: layers }, (_, layer) => 1 / scaleOf(layer) ** 2);
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) * (weights[0] as number);
      for (const [layer, gram] of others.entries()) {
        const weight = weights[layer + 1] as number;
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + weight * (gram[i] as number);
        yield layer / layers / 2;
      }
    }
    const { u: uL } = yield* modeVectors(gramL, layers, rankL);
    const { u: uH } = yield* modeVectors(sum, hidden, rankH);
    return { uL, uH };
  }

  /** Chan's update: a sample's own mean and squares, merged, so that no spread is lost far from zero. */
  private addSpread(states: Float32Array, tokens: number): void {
    const { layers, hidden, count } = this;
    const own = tokens * hidden;
    const before = count * hidden;
    for (let layer = 0; layer < layers; layer++) {
      let sum = 0;
      for (let t = 0; t < tokens; t++) {
        const from = (t * layers + layer) * hidden;
        for (let h = 0; h < hidden; h++) sum += states[from + h] as number;
      }
      const mean = sum / own;
      let square = 0;
      for (let t = 0; t < tokens; t++) {
        const from = (t * layers + layer) * hidden;
        for (let h = 0; h < hidden; h++) square += ((states[from + h] as number) - mean) ** 2;
      }
      const apart = mean - (this.mean[layer] as number);
      this.mean[layer] = (this.mean[layer] as number) + (apart * own) / (before + own);
      this.square[layer] =
        (this.square[layer] as number) + square + (apart * apart * before * own) / (before + own);
    }
    this.count += tokens;
  }
}

/** The factors, μ_T and C_T of one sample alone, which has a subspace of its own. Yields and throws like `teacherFactors`. */
export const ownFactors = (states: Float32Array, { layers, hidden, ...options }: FactorSizes) =>
  teacherFactors([states], layers, hidden, { ...options, scope: 'sample' });

/** One layer of [N, L, H], [N, H]. */
function layerOf(
  states: Float32Array,
  layer: number,
  [tokens, layers, hidden]: readonly [number, number, number],
): Float32Array {
  const out = new Float32Array(tokens * hidden);
  for (let t = 0; t < tokens; t++) {
    const from = (t * layers + layer) * hidden;
    out.set(states.subarray(from, from + hidden), t * hidden);
  }
  return out;
}
