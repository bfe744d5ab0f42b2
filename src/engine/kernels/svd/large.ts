import type { Device } from '../../device/device';
import { type Entry, Stage } from './stage';
import { ceil4, type StageSize, stageRoom } from './stage-layout';
import type { SvdShape } from './svd.cpu';

/** Progress and cancellation of a decomposition. */
export interface LargeOptions {
  readonly signal?: AbortSignal;
  /** Called with the share done, 0 … 1. */
  readonly onProgress?: (share: number) => void;
  /** Threads per sum instead of the adapter's, for tests. */
  readonly lanes?: number;
}

/** Columns per panel; the first panel is narrow, so that a dominant direction leaves W before rounding can spread it. */
const WIDTH = 16;
const FIRST_WIDTH = 4;
/** Inverse iterations: two suffice away from clusters; the third is for those. */
const ITERATIONS = 3;
/** Rows and columns of W that a workgroup of `update` takes. */
const TILE = 64;
/** Reflections per dispatch of the back transformation. */
const REFLECTIONS = 64;
/** Bytes of scratch space for matrices taken at once; more does not make a GPU faster. */
export const MAX_BYTES = 2 ** 28;
/** Shares of the work, for progress only. */
const REDUCED = 0.85;
const VALUED = 0.9;

const sizeFor = ({ rows, cols }: SvdShape): StageSize => ({
  held: Math.min(rows, cols),
  width: WIDTH,
  kind: 'reduction',
});

const REDUCTION = [
  'peak',
  'fill',
  'column_step',
  'row_step',
  'reflect',
  'transpose_product',
  'product',
  'column_dots',
  'row_dots',
  'update',
  'bisect',
] as const satisfies readonly Entry[];
const VECTORS = [
  'factor',
  'solve',
  'project',
  'unit',
  'halve',
  'carry_back',
  'write_out',
] as const satisfies readonly Entry[];

/** Number of matrices of this shape that the device takes at once; 0 if not even one fits. */
export const largeRoom = (device: Device, shape: SvdShape): number =>
  stageRoom(device, shape, sizeFor(shape), MAX_BYTES);

/**
 * All singular values [B, k] and the first r left vectors [B, m, r] of `matrices` [B, m, n], float32 on the GPU: blocked
 * Householder bidiagonalisation (LAPACK's LABRD), bisection on the Golub–Kahan tridiagonal, inverse iteration; several
 * dispatches per column, `largeRoom` matrices at once, cancellable between panels. Rejects with `NumericError` (NaN or Inf),
 * `CancelledError` or `DeviceError`; buffers are always released.
 */
export async function svdLarge(
  device: Device,
  matrices: Float32Array,
  shape: SvdShape,
  options: LargeOptions = {},
): Promise<{ sigma: Float32Array<ArrayBuffer>; u: Float32Array<ArrayBuffer> }> {
  const { batch, rows, r } = shape;
  const lotSize = Math.max(1, largeRoom(device, shape));
  const entries = [...REDUCTION, ...(r > 0 ? VECTORS : [])];
  const lot = { ...shape, batch: lotSize };
  const stage = await Stage.open(device, lot, sizeFor(shape), entries, options.signal, options.lanes);
  const { q, sizes, buffers } = stage;
  const sigma = new Float32Array(batch * q);
  const u = new Float32Array(batch * rows * r);
  try {
    for (let first = 0; first < batch; first += lotSize) {
      const count = Math.min(lotSize, batch - first);
      const tell = (share: number): void => options.onProgress?.((first + share * count) / batch);
      await stage.take(matrices.subarray(first * sizes.a, (first + count) * sizes.a), count, first);
      await bidiagonalise(stage, (share) => tell(REDUCED * share));
      await stage.submit((b) => stage.run(b, 'bisect', [Math.ceil(q / 32)]));
      tell(VALUED);
      if (r > 0) await leftVectors(stage, shape);
      sigma.set(await device.readF32(buffers.sigma, count * q), first * q);
      if (r > 0) u.set(await device.readF32(buffers.u, count * rows * r), first * rows * r);
      tell(1);
    }
    return { sigma, u };
  } finally {
    stage.destroy();
  }
}

async function bidiagonalise(stage: Stage, tell: (share: number) => void): Promise<void> {
  const { p, q, ldp, ldq } = stage;
  const quad = (k: number): number => Math.floor(k / 4);
  let first = 0;
  for (let i = 0; ; ) {
    const end = Math.min(q, first + (first === 0 ? FIRST_WIDTH : WIDTH));
    await stage.submit((b) => {
      for (; i < end; i++) {
        if (i === 0) stage.run(b, 'column_step', [stage.quads(ldp)]);
        stage.run(b, 'reflect', [1], { i, side: 0 });
        // The last column has nothing right of it.
        if (i + 1 === q) continue;
        const c = i - first;
        const left = quad(i + 1);
        stage.transposeProduct(b, i, quad(i), left);
        if (c > 0) stage.run(b, 'column_dots', [2 * c], { i, c, top: quad(i) });
        stage.run(b, 'row_step', [stage.quads(ldq, left)], { i, c });
        stage.run(b, 'reflect', [1], { i, side: 1 });
        stage.product(b, i, left, left);
        stage.run(b, 'row_dots', [2 * c + 1], { i, c, left });
        stage.run(b, 'column_step', [stage.quads(ldp, left)], { i: i + 1, c: c + 1 });
      }
      if (end === q) return;
      const tiles = (ld: number): number => Math.ceil((ld - end) / TILE);
      stage.run(b, 'update', [tiles(ldq), tiles(ldp)], { i: end, c: end - first });
    });
    // The volume that is left, which determines the work.
    tell(1 - ((1 - end / q) * (1 - end / ceil4(p))) ** 1.5);
    if (end === q) return;
    first = end;
  }
}

async function leftVectors(stage: Stage, { rows, cols, r }: SvdShape): Promise<void> {
  const { q } = stage;
  const threads = [Math.ceil(r / 64)] as const;
  await stage.submit((b) => stage.run(b, 'factor', threads));
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    await stage.submit((b) => {
      stage.run(b, 'solve', threads);
      for (const _ of [0, 1]) {
        stage.orthogonalise(b, r, 2 * q);
        stage.run(b, 'unit', [r], { c: 2 * q });
      }
    });
  }
  await stage.submit((b) => stage.run(b, 'halve', [r]));
  // For a wide matrix there are q − 1 reflections.
  const last = rows >= cols ? q : q - 1;
  for (let i = last; i > 0; i -= REFLECTIONS) {
    await stage.submit((b) => stage.run(b, 'carry_back', [r], { i, c: Math.min(REFLECTIONS, i) }));
  }
  await stage.finishVectors(r, rows);
}
