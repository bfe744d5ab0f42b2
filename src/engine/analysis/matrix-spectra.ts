import type { Device } from '../device/device';
import { type SvdOptions, suitsGpu, svd } from '../kernels/svd/svd';
import { Pace } from './pace';
import { type Spectrum, spectrumOf } from './spectra';
import type { StackedMatrix } from './stacks';

/** On a GPU, matrices of one shape are decomposed together in lots, limited in bytes and in number. */
const MAX_LOT_BYTES = 64 * 2 ** 20;
const MAX_LOT = 128;

/** The spectra of matrices [·, H], in order, and the kernels that decomposed them (each once). */
export interface MatrixSpectra {
  readonly spectra: readonly Spectrum[];
  readonly kernels: readonly string[];
}

/**
 * All singular values of each matrix. On the CPU one matrix [m, H] is held at a time, 4·m·H bytes, with the Gram matrix of
 * its shorter side k in float64 and a copy of it, 16·k², and a panel of 256 of its columns or rows, 8·256·k; on a GPU, little more than
 * `MAX_LOT_BYTES` of matrices of one shape (or one matrix, if that is larger) and their copy on the device. What the lens
 * reports needs no more than a float64 Gram matrix gives: shares of energy and of Σσ are carried by σ ≥ 1e-6·σ₁, and σ is
 * right to about 1e-8·σ₁ (shared/gram.ts). A cancel is heard between pieces of a few milliseconds, also within a matrix.
 * Rejects with `NumericError`, `CancelledError` or `DeviceError`.
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
  let data = new Float32Array();
  for (const { rows, indices } of lotsOf(matrices, hidden, options.device)) {
    const length = indices.length * rows * hidden;
    if (data.length !== length) data = new Float32Array(length);
    for (const [slot, i] of indices.entries()) {
      await filled(matrices[i], data.subarray(slot * rows * hidden, (slot + 1) * rows * hidden), pace);
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

/** Drawing a control's entries takes seconds for a large matrix. */
async function filled(matrix: StackedMatrix | undefined, out: Float32Array<ArrayBuffer>, pace: Pace) {
  if (matrix?.fillSteps) await pace.run(matrix.fillSteps(out));
  else matrix?.fill(out);
  await pace.yieldToEventLoop();
}

/** Bytes of the largest lot, on the CPU those of the largest matrix. */
export function largestLot(
  matrices: readonly Pick<StackedMatrix, 'rows'>[],
  hidden: number,
  device?: Device,
): number {
  const sizes = lotsOf(matrices, hidden, device).map(
    ({ rows, indices }) => indices.length * rows * hidden * 4,
  );
  return Math.max(0, ...sizes);
}

/** Which matrices are decomposed together. */
export function lotsOf(
  matrices: readonly Pick<StackedMatrix, 'rows'>[],
  hidden: number,
  device: Device | undefined,
) {
  const open = new Map<number, number[]>();
  const out: { readonly rows: number; readonly indices: readonly number[] }[] = [];
  for (const [i, { rows }] of matrices.entries()) {
    const room = Math.max(1, Math.min(MAX_LOT, Math.floor(MAX_LOT_BYTES / (rows * hidden * 4))));
    const together = device && suitsGpu(device, { batch: room, rows, cols: hidden, r: 0 });
    let lot = open.get(rows);
    if (!lot || !together || lot.length >= room) {
      lot = [];
      open.set(rows, lot);
      out.push({ rows, indices: lot });
    }
    lot.push(i);
  }
  return out;
}
