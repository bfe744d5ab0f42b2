import { NumericError, throwIfCancelled } from '../../base/errors';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import type { LargeOptions } from './large';
import type { SvdRecorder } from './recorder';
import { createSmall, smallScratch } from './small';
import type { SvdShape } from './svd.cpu';
import { createThin, thinScratch } from './thin';

/**
 * Maximum m·n·k per dispatch with one workgroup per matrix: a dispatch cannot be cancelled, and browsers kill those that
 * run for seconds.
 */
const MAX_WORK = 2 ** 28;

/** Matrices per lot, 0 if not even one fits. */
export function lotRoom(device: Device, shape: SvdShape, way: 'thin' | 'small'): number {
  const { batch, rows, cols, r } = shape;
  const one = { ...shape, batch: 1 };
  const scratch = way === 'thin' ? thinScratch(device, one) : smallScratch(device, one);
  const largest = Math.max(scratch, 4 * rows * cols, 4 * rows * r);
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const work = Math.max(1, Math.floor(MAX_WORK / (rows * cols * Math.min(rows, cols))));
  return Math.min(batch, work, Math.floor(limit / largest));
}

/**
 * All singular values [B, k] and the first r left vectors [B, m, r] of thin or small matrices, from and to host memory,
 * one lot per submission. Rejects with `NumericError`, `CancelledError` or `DeviceError`.
 */
export async function svdInLots(
  device: Device,
  matrices: Float32Array,
  shape: SvdShape,
  options: LargeOptions,
  way: 'thin' | 'small',
): Promise<{ sigma: Float32Array<ArrayBuffer>; u: Float32Array<ArrayBuffer> }> {
  const { batch, rows, cols, r } = shape;
  const k = Math.min(rows, cols);
  const size = rows * cols;
  const record: SvdRecorder = way === 'thin' ? await createThin(device) : await createSmall(device);
  const scratchOf = way === 'thin' ? thinScratch : smallScratch;
  const sigma = new Float32Array(batch * k);
  const u = new Float32Array(batch * rows * r);
  const lotSize = lotRoom(device, shape, way);
  const made: DeviceBuffer[] = [];
  const buffer = (bytes: number, label: string) => {
    const b = device.createBuffer(bytes, `svd ${label}`);
    made.push(b);
    return b;
  };
  try {
    const a = buffer(4 * lotSize * size, 'input');
    const out = {
      sigma: buffer(4 * lotSize * k, 'sigma'),
      u: buffer(4 * lotSize * rows * Math.max(1, r), 'u'),
      bad: buffer(4 * lotSize, 'flags'),
      scratch: buffer(scratchOf(device, { ...shape, batch: lotSize }), 'scratch'),
    };
    for (let first = 0; first < batch; first += lotSize) {
      throwIfCancelled(options.signal, 'svd');
      const count = Math.min(lotSize, batch - first);
      device.write(a, matrices.subarray(first * size, (first + count) * size));
      device.record('svd', (b) => record(b, a, out, { ...shape, batch: count }));
      const bad = new Uint32Array(await device.read(out.bad, count * 4)).indexOf(1);
      if (bad >= 0)
        throw new NumericError(
          `svd: matrix ${first + bad} holds NaN or Inf`,
          'Use another model or checkpoint: the weights of this one are damaged, or overflow.',
        );
      sigma.set(await device.readF32(out.sigma, count * k), first * k);
      if (r > 0) u.set(await device.readF32(out.u, count * rows * r), first * rows * r);
      options.onProgress?.((first + count) / batch);
    }
    return { sigma, u };
  } finally {
    for (const b of made) b.destroy();
  }
}
