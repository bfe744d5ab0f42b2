import { type SvdOptions, svd } from '../kernels/svd/svd';
import { Pace } from './pace';
import { type Spectrum, spectrumOf } from './spectra';
import type { StackedMatrix } from './stacks';

/** Matrices of one shape are decomposed together in lots, limited in bytes and in number. */
const MAX_LOT_BYTES = 64 * 2 ** 20;
const MAX_LOT = 128;

/** The spectra of matrices [·, H], in order, and the kernels that decomposed them (each once). */
export interface MatrixSpectra {
  readonly spectra: readonly Spectrum[];
  readonly kernels: readonly string[];
}

/**
 * All singular values of each matrix. Matrices are filled lot by lot, so that little more than `MAX_LOT_BYTES` (or one
 * matrix, if that is larger) is held at a time. Rejects with `NumericError`, `CancelledError` or `DeviceError`.
 */
export async function matrixSpectra(
  matrices: readonly StackedMatrix[],
  hidden: number,
  options: SvdOptions = {},
): Promise<MatrixSpectra> {
  const spectra = new Array<Spectrum>(matrices.length);
  const kernels = new Set<string>();
  const pace = new Pace('the spectra', options.signal);
  let done = 0;
  for (const { rows, indices } of lots(matrices, hidden)) {
    const data = new Float32Array(indices.length * rows * hidden);
    for (const [slot, i] of indices.entries()) {
      matrices[i]?.fill(data.subarray(slot * rows * hidden, (slot + 1) * rows * hidden));
      // Drawing a control's entries can take seconds per lot.
      await pace.yieldToEventLoop();
    }
    const before = done;
    const result = await svd(
      data,
      { batch: indices.length, rows, cols: hidden, r: 0 },
      {
        ...options,
        onProgress: (share) => options.onProgress?.((before + share * indices.length) / matrices.length),
      },
    );
    const k = Math.min(rows, hidden);
    for (const [slot, i] of indices.entries()) {
      spectra[i] = spectrumOf(result.sigma.slice(slot * k, (slot + 1) * k));
    }
    kernels.add(result.kernel);
    done += indices.length;
  }
  return { spectra, kernels: [...kernels] };
}

/** Bytes of the largest lot. */
export function largestLot(matrices: readonly Pick<StackedMatrix, 'rows'>[], hidden: number): number {
  const sizes = lots(matrices, hidden).map(({ rows, indices }) => indices.length * rows * hidden * 4);
  return Math.max(0, ...sizes);
}

function lots(matrices: readonly Pick<StackedMatrix, 'rows'>[], hidden: number) {
  const open = new Map<number, number[]>();
  const out: { readonly rows: number; readonly indices: readonly number[] }[] = [];
  for (const [i, { rows }] of matrices.entries()) {
    const lotSize = Math.max(1, Math.min(MAX_LOT, Math.floor(MAX_LOT_BYTES / (rows * hidden * 4))));
    let lot = open.get(rows);
    if (!lot || lot.length >= lotSize) {
      lot = [];
      open.set(rows, lot);
      out.push({ rows, indices: lot });
    }
    lot.push(i);
  }
  return out;
}
