import type { Batch } from '../../device/batch';
import type { Device } from '../../device/device';
import { type LargeOptions, MAX_BYTES } from './large';
import { type Entry, Stage } from './stage';
import { type StageSize, stageRoom } from './stage-layout';
import { type SvdShape, svdCpu } from './svd.cpu';

/** Residual of a pair, relative to σ₁, below which it has converged: what float32 can distinguish from zero. */
const DONE = 1e-8;
/** Residual by a product with W itself, relative to σ₁, above which the result is rejected. */
const BELIEVED = 2e-6;
/** Length, relative to σ₁, at which a basis has broken down: what follows would be rounding. */
const BROKEN = 1e-7;
/**
 * Steps of the search for missed values, in the complement of those found, and by which share of σ_r one must exceed it to
 * count. The search's largest value is a lower bound, within a few percent by then.
 */
const SEARCH = 10;
const PASSED_OVER = 1.001;

/** Maximum number of steps, and steps before the first check for convergence. */
const maxSteps = (r: number): number => 5 * r + 40;
const firstLook = (r: number): number => Math.ceil(1.5 * r) + 16;
const nextLook = (r: number): number => Math.max(8, Math.ceil(r / 4));

const ENTRIES = [
  'peak',
  'fill',
  'product',
  'transpose_product',
  'column_dots',
  'row_dots',
  'begin',
  'gather',
  'subtract',
  'scale',
  'combine',
  'residual',
  'project',
  'unit',
  'write_out',
] as const satisfies readonly Entry[];

const sizeFor = ({ r }: SvdShape): StageSize => {
  const held = maxSteps(r) + 1 + r + SEARCH + 1;
  return { held, width: held, kind: 'lanczos' };
};

/** Whether r of k = min(m, n) values are few enough to make this worthwhile, and it fits. */
export const suitsLanczos = (device: Device, shape: SvdShape): boolean => {
  const k = Math.min(shape.rows, shape.cols);
  return shape.r > 0 && k >= 256 && 2 * maxSteps(shape.r) <= k && lanczosRoom(device, shape) > 0;
};

/** Number of matrices of this shape that the device takes at once. */
export const lanczosRoom = (device: Device, shape: SvdShape): number =>
  stageRoom(device, shape, sizeFor(shape), MAX_BYTES);

/**
 * The r largest singular values [B, r] and their left vectors [B, m, r] by Golub–Kahan–Lanczos with full
 * reorthogonalisation, float32 on the GPU, the small bidiagonal matrix in float64 on the CPU. Single-vector Lanczos finds
 * one copy of a repeated value; a search in the complement tells whether another was missed.
 *
 * Resolves to `undefined` if a basis breaks down, does not converge, fails the residual test or missed a value: use
 * `svdLarge` then. Rejects with `NumericError` (NaN or Inf), `CancelledError` or `DeviceError`.
 */
export async function svdLanczos(
  device: Device,
  matrices: Float32Array,
  shape: SvdShape,
  options: LargeOptions = {},
): Promise<{ sigma: Float32Array<ArrayBuffer>; u: Float32Array<ArrayBuffer> } | undefined> {
  const { batch, rows, r } = shape;
  const lotSize = Math.max(1, lanczosRoom(device, shape));
  const lot = { ...shape, batch: lotSize };
  const stage = await Stage.open(device, lot, sizeFor(shape), ENTRIES, options.signal, options.lanes);
  const sigma = new Float32Array(batch * r);
  const u = new Float32Array(batch * rows * r);
  try {
    for (let first = 0; first < batch; first += lotSize) {
      const count = Math.min(lotSize, batch - first);
      const tell = (share: number): void => options.onProgress?.((first + share * count) / batch);
      const a = matrices.subarray(first * stage.sizes.a, (first + count) * stage.sizes.a);
      await stage.take(a, count, first);
      const found = await leading(stage, r, count, tell);
      if (!found) return undefined;
      await stage.finishVectors(r, rows);
      sigma.set(found, first * r);
      u.set(await device.readF32(stage.buffers.u, count * rows * r), first * rows * r);
      tell(1);
    }
    return { sigma, u };
  } finally {
    stage.destroy();
  }
}

/** One more step: vector i of the first side and i + 1 of the second, each orthogonalised against the c before it. */
function step(stage: Stage, b: Batch, i: number, c: number): void {
  const settle = (at: number, before: number, side: 0 | 1): void => {
    stage.run(b, 'gather', [stage.quads(side === 0 ? stage.ldp : stage.ldq)], { i: at, side });
    against(stage, b, at, before, side);
  };
  stage.product(b, i);
  settle(i, c, 0);
  stage.transposeProduct(b, i);
  settle(i + 1, c + 1, 1);
}

/** Makes vector i orthogonal to the c before it, twice, and a unit vector. */
function against(stage: Stage, b: Batch, i: number, c: number, side: 0 | 1): void {
  const groups = [stage.quads(side === 0 ? stage.ldp : stage.ldq)] as const;
  for (const _ of c > 0 ? [0, 1] : []) {
    stage.run(b, side === 0 ? 'column_dots' : 'row_dots', [c], { i, c });
    stage.run(b, 'subtract', groups, { i, c, side });
  }
  stage.run(b, 'scale', [1], { i, side });
}

/** The values [count, r], with their vectors in `vectors`; `undefined` if the method fails. */
async function leading(stage: Stage, r: number, count: number, tell: (share: number) => void) {
  const maximum = maxSteps(r);
  const { held } = sizeFor({ batch: 1, rows: 1, cols: 1, r });
  const { device, scalars, buffers, sizes } = stage;
  const lengthQ = [stage.quads(stage.ldq)] as const;
  await stage.submit((b) => {
    stage.run(b, 'begin', lengthQ, { side: 1 });
    against(stage, b, 0, 0, 1);
  });
  const read = () => device.readF32(buffers.scalars, sizes.scalars * count);
  const each = Array.from({ length: count }, (_, z) => z);
  let pairs: readonly Pairs[] = [];
  let done = 0;
  for (let look = firstLook(r); ; look = Math.min(maximum, look + nextLook(r))) {
    while (done < look) {
      const end = Math.min(look, done + 8);
      await stage.submit((b) => {
        for (let i = done; i < end; i++) step(stage, b, i, i);
      });
      done = end;
      tell((0.9 * done) / maximum);
    }
    const all = await read();
    pairs = each.map((z) => pairsOf(all, z * sizes.scalars + scalars.norms, held, done, r));
    if (pairs.some((p) => p.broken)) return undefined;
    if (pairs.every((p) => p.residual <= DONE * (p.sigma[0] as number))) break;
    if (done === maximum) return undefined;
  }

  const base = maximum + 1;
  for (const z of each) {
    const { x, y, sigma } = pairs[z] as Pairs;
    const at = z * sizes.scalars;
    for (let v = 0; v < r; v++) {
      device.write(
        buffers.scalars,
        x.subarray(v * done, (v + 1) * done),
        4 * (at + scalars.coefficients + v * held),
      );
      device.write(
        buffers.scalars,
        y.subarray(v * done, (v + 1) * done),
        4 * (at + scalars.coefficients + (r + v) * held),
      );
    }
    device.write(buffers.scalars, Float32Array.from(sigma), 4 * (at + scalars.ritz));
  }
  await stage.submit((b) => {
    stage.run(b, 'combine', [stage.quads(stage.ldp), r], { i: base, c: done, side: 0 });
    stage.run(b, 'combine', [lengthQ[0], r], { i: base, c: done, side: 1 });
    for (let v = 0; v < r; v++) {
      stage.transposeProduct(b, base + v);
      stage.run(b, 'residual', [1], { i: base + v, c: v, side: 1 });
    }
    stage.run(b, 'begin', lengthQ, { i: base + r, side: 1 });
    against(stage, b, base + r, r, 1);
    for (let i = 0; i < SEARCH; i++) step(stage, b, base + r + i, r + i);
  });
  const all = await read();
  const sigma = new Float32Array(count * r);
  for (const z of each) {
    const at = z * sizes.scalars;
    const { sigma: found } = pairs[z] as Pairs;
    const residuals = all.subarray(at + scalars.residuals, at + scalars.residuals + r);
    const passed = bidiagonal(all, at + scalars.norms + base + r, held, SEARCH);
    const largest = svdCpu(passed, { batch: 1, rows: SEARCH, cols: SEARCH, r: 0 }).sigma[0] as number;
    if (!(Math.max(...residuals) <= BELIEVED * (found[0] as number))) return undefined;
    if (largest > PASSED_OVER * (found[r - 1] as number)) return undefined;
    for (let v = 0; v < r; v++) sigma[z * r + v] = (found[v] as number) * (stage.scales[z] as number);
  }
  return sigma;
}

/** The upper bidiagonal matrix of `steps` steps from the lengths at `norms`: α of one side, β of the other. */
function bidiagonal(all: Float32Array, norms: number, held: number, steps: number): Float32Array {
  const out = new Float32Array(steps * steps);
  for (let j = 0; j < steps; j++) {
    out[j * steps + j] = all[norms + j] as number;
    if (j > 0) out[(j - 1) * steps + j] = all[norms + held + j] as number;
  }
  return out;
}

interface Pairs {
  /** [r] */
  readonly sigma: Float64Array;
  /** Coefficients of the left and right vectors, [r, steps]. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** The largest of the r residuals ‖Wᵀu − σv‖, by the recurrence. */
  readonly residual: number;
  readonly broken: boolean;
}

function pairsOf(all: Float32Array, norms: number, held: number, steps: number, r: number): Pairs {
  const b = bidiagonal(all, norms, held, steps);
  const { sigma, u } = svdCpu(b, { batch: 1, rows: steps, cols: steps, r });
  const beta = all[norms + held + steps] as number;
  const x = new Float32Array(r * steps);
  const y = new Float32Array(r * steps);
  let residual = 0;
  for (let v = 0; v < r; v++) {
    for (let i = 0; i < steps; i++) x[v * steps + i] = u[i * r + v] as number;
    // y = Bᵀx / σ
    for (let j = 0; j < steps; j++) {
      const above = j > 0 ? (b[(j - 1) * steps + j] as number) * (x[v * steps + j - 1] as number) : 0;
      const sum = (b[j * steps + j] as number) * (x[v * steps + j] as number) + above;
      y[v * steps + j] = sum / (sigma[v] as number);
    }
    residual = Math.max(residual, Math.abs(beta * (x[v * steps + steps - 1] as number)));
  }
  const lengths = [
    ...all.subarray(norms, norms + steps),
    ...all.subarray(norms + held + 1, norms + held + steps + 1),
  ];
  const broken = !(Math.min(...lengths) > BROKEN * (sigma[0] as number));
  return { sigma: Float64Array.from(sigma.subarray(0, r)), x, y, residual, broken };
}
