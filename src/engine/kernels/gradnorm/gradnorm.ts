import { ShapeError } from '../../base/errors';
import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectBytes } from '../shared/check';
import { checkGradNorm } from './gradnorm.cpu';
import code from './gradnorm.wgsl?raw';

const BINDINGS = ['read', 'write', 'uniform'] as const;

/** Maximum number of partial sums per buffer: enough to fill a GPU, few enough for one workgroup to add. */
const MAX_PARTS = 64;
/** Minimum number of elements per partial sum: 16 per thread, which costs less than another workgroup. */
const MIN_PART = 4096;

/** Above any norm whose square is finite in float32: stands for "no clipping", without Infinity in the shader. */
const NO_LIMIT = 1e30;

/** Bytes of scratch space for this many buffers, including guards. */
export const gradNormScratch = (buffers: number): number => buffers * MAX_PARTS * 8;

/** Records [norm, clip, finite, sum of squares] of all of `grads` into `out` [4], see `gradNormCpu`. Throws `ShapeError`. */
export type GradNormKernel = (
  batch: Batch,
  grads: readonly DeviceBuffer[],
  out: DeviceBuffer,
  scratch: DeviceBuffer,
  maxNorm: number,
  guards?: readonly DeviceBuffer[],
) => void;

/** Compiles the kernel (once per device). Rejects with `DeviceError`. */
export async function createGradNorm(device: Device): Promise<GradNormKernel> {
  const [squares, total] = await Promise.all([
    device.pipeline(code, 'squares', BINDINGS, 'gradient squares'),
    device.pipeline(code, 'total', BINDINGS, 'gradient norm'),
  ]);
  return (batch, grads, out, scratch, maxNorm, guards = []) => {
    checkGradNorm(grads.length, maxNorm);
    expectBytes('gradnorm', 'out', out.bytes, [4]);
    const limit = Math.min(maxNorm, NO_LIMIT);
    const jobs = [...grads, ...guards].map((grad, i) => {
      const count = Math.floor(grad.bytes / 4);
      if (count < 1) throw new ShapeError(`gradnorm: buffer "${grad.label}" is empty`);
      const parts = Math.min(MAX_PARTS, Math.ceil(count / MIN_PART));
      return { grad, count, parts, weight: i < grads.length ? 1 : 0 };
    });
    const all = jobs.reduce((n, j) => n + j.parts, 0);
    expectBytes('gradnorm', 'scratch', scratch.bytes, [all, 2]);
    let first = 0;
    for (const { grad, count, parts, weight } of jobs) {
      const uniforms = packUniforms(['u', count], ['u', first], ['f', limit], ['f', weight]);
      batch.dispatch(squares, [grad, scratch], uniforms, [parts]);
      first += parts;
    }
    batch.dispatch(total, [scratch, out], packUniforms(['u', all], ['u', 0], ['f', limit], ['f', 1]), [1]);
  };
}
