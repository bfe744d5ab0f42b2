import { NumericError, ShapeError } from '../base/errors';
import { expectDims, firstNonFinite } from '../kernels/shared/check';
import type { GatheredStates, SampleStates } from './gathered';

/** N tokens of a sample, L layers of the model, P chosen layers (1 … L, ascending), H hidden size. */

export const allLayers = (count: number): number[] => Array.from({ length: count }, (_, l) => l + 1);

/**
 * Throws `ShapeError` unless sizes fit, and `NumericError` naming the first sample that holds NaN or Inf.
 * @param first number, from 1, of the first token that was gathered of each sample
 */
export function checkGathered({ layers, chosen, hidden, samples }: GatheredStates, first = 1): void {
  expectDims('hidden states', { layers, hidden });
  if (samples.length === 0) throw new ShapeError('hidden states: no samples, expected at least one');
  for (const { id, tokens, states } of samples) {
    if (!(tokens >= 1) || states.length !== tokens * layers * hidden)
      throw new ShapeError(
        `hidden states: ${id} has ${states.length} elements, expected ${tokens} × ${layers} × ${hidden} with one token or more`,
      );
    const at = firstNonFinite(states);
    if (at < 0) continue;
    const place = Math.floor(at / hidden) % layers;
    throw new NumericError(
      `hidden states: ${id} holds ${states[at]} at token ${Math.floor(at / (layers * hidden)) + first}, layer ${chosen?.[place] ?? place + 1}`,
      'The weights are damaged or overflow: use another model or checkpoint, or lower the learning rate it was trained with.',
    );
  }
}

/** Throws `ShapeError` unless the layers are distinct, ascending and among `lowest` … L. */
export function checkLayers(layers: readonly number[], count: number, lowest: 0 | 1 = 1): void {
  const fits = layers.every(
    (l, i) => Number.isInteger(l) && l >= lowest && l <= count && (i === 0 || l > (layers[i - 1] as number)),
  );
  if (layers.length === 0 || !fits)
    throw new ShapeError(
      `layers [${layers.join(', ')}]: expected some of ${lowest} … ${count}, ascending and each once`,
    );
}

/** A sample's hidden states at the chosen layers, [N, P, H]: not a copy if all are chosen. */
export function statesAt(
  { tokens, states }: SampleStates,
  { layers: count, hidden }: GatheredStates,
  layers: readonly number[],
): Float32Array<ArrayBuffer> {
  if (layers.length === count) return states;
  const out = new Float32Array(tokens * layers.length * hidden);
  for (let t = 0; t < tokens; t++) {
    for (const [p, layer] of layers.entries()) {
      const from = (t * count + layer - 1) * hidden;
      out.set(states.subarray(from, from + hidden), (t * layers.length + p) * hidden);
    }
  }
  return out;
}

/** Mean of the rows of several matrices [·, H], in float64. */
export function meanRow(matrices: Iterable<Float32Array>, hidden: number): Float64Array {
  const mean = new Float64Array(hidden);
  let rows = 0;
  for (const x of matrices) {
    for (let from = 0; from < x.length; from += hidden) {
      for (let h = 0; h < hidden; h++) mean[h] = (mean[h] as number) + (x[from + h] as number);
    }
    rows += x.length / hidden;
  }
  return mean.map((sum) => sum / rows);
}

/** x [rows, cols] as [cols, rows], written to `out`. */
export function transposed<T extends Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
  x: ArrayLike<number>,
  rows: number,
  cols: number,
  out: T,
): T {
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = x[r * cols + c] as number;
  return out;
}

/** Subtracts `row` from each row of x [·, H], into `out` (which may be x). */
export function lessRow(x: Float32Array, row: Float64Array, out: Float32Array<ArrayBuffer>) {
  const hidden = row.length;
  for (let from = 0; from < x.length; from += hidden) {
    for (let h = 0; h < hidden; h++) out[from + h] = (x[from + h] as number) - (row[h] as number);
  }
  return out;
}
