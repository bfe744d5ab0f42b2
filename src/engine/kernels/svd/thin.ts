import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import type { SvdOutputs } from './recorder';
import type { SvdShape } from './svd.cpu';
import pairs from './thin.wgsl?raw';
import finishCode from './thin-finish.wgsl?raw';
import gramCode from './thin-gram.wgsl?raw';
import imageCode from './thin-image.wgsl?raw';

/** Maximum of the shorter side. */
export const MAX_THIN = 32;

/** Maximum number of chunks that the long side is split into; each has its own copy of the Gram matrix. */
const MAX_CHUNKS = 64;

/**
 * Threads per workgroup; those of `finish`; entries of the long side that one thread of `gram` sums, approximately. A
 * software adapter runs four threads in the lanes of one instruction, and every further four cost a coroutine switch per
 * barrier: 4 instead of 32 made `gram` 4 times as fast.
 */
const sizesFor = (software: boolean) =>
  software ? { WIDTH: 4, TEAM: 4, depth: 512 } : { WIDTH: 64, TEAM: 32, depth: 16 };

interface Layout {
  readonly k: number;
  readonly length: number;
  readonly chunks: number;
  readonly span: number;
  readonly tiles: number;
  readonly stride: number;
}

function layoutOf({ rows, cols, r }: SvdShape, software: boolean): Layout {
  const { WIDTH, depth } = sizesFor(software);
  const k = Math.min(rows, cols);
  const length = Math.max(rows, cols);
  const wide = Math.ceil(k / 4);
  const tiles = (wide * (wide + 1)) / 2;
  const chunks = Math.min(MAX_CHUNKS, Math.ceil(length / (WIDTH * depth)));
  const span = Math.ceil(length / (chunks * WIDTH)) * WIDTH;
  return { k, length, chunks, span, tiles, stride: Math.max(chunks + chunks * tiles * 32, k * r + k + 1) };
}

/** Bytes of scratch space that `createThin` needs for this shape on this device. */
export const thinScratch = (device: Device, shape: SvdShape, software = device.info.isFallback): number =>
  shape.batch * layoutOf(shape, software).stride * 4;

/**
 * Compiles the kernels for min(m, n) ≤ `MAX_THIN` (once per device). Rejects with `DeviceError`. The recorder trusts its
 * arguments: the caller has checked the shape and the buffers' sizes. `software` selects workgroup sizes. Magnitudes
 * below 2⁻¹²⁶ count as zero if the adapter flushes them, as WGSL allows.
 */
export async function createThin(device: Device, software = device.info.isFallback) {
  const { WIDTH, TEAM } = sizesFor(software);
  const make = (
    code: string,
    entry: string,
    bindings: readonly ('read' | 'write' | 'uniform')[],
    constants = {},
  ) => device.pipeline(pairs + code, entry, bindings, `svd ${entry}`, constants);
  const [peak, gram, finish, image] = await Promise.all([
    make(gramCode, 'peak', ['read', 'write', 'uniform'], { WIDTH }),
    make(gramCode, 'gram', ['read', 'write', 'uniform'], { WIDTH }),
    make(finishCode, 'finish', ['write', 'write', 'write', 'write', 'uniform'], { TEAM }),
    make(imageCode, 'image', ['read', 'read', 'write', 'uniform'], { WIDTH }),
  ]);
  return (batch: Batch, a: DeviceBuffer, out: SvdOutputs, shape: SvdShape): void => {
    const { rows, cols, r, batch: matrices } = shape;
    const { k, length, chunks, span, tiles, stride } = layoutOf(shape, software);
    const wide = rows <= cols;
    const uniforms = packUniforms(
      ['u', k],
      ['u', length],
      ['u', wide ? cols : 1],
      ['u', wide ? 1 : cols],
      ['u', r],
      ['u', chunks],
      ['u', span],
      ['u', tiles],
      ['u', stride],
      ['u', 0],
    );
    batch.dispatch(peak, [a, out.scratch], uniforms, [chunks, matrices]);
    batch.dispatch(gram, [a, out.scratch], uniforms, [chunks, tiles, matrices]);
    batch.dispatch(finish, [out.scratch, out.sigma, out.u, out.bad], uniforms, [matrices]);
    if (!wide && r > 0) batch.dispatch(image, [a, out.scratch, out.u], uniforms, [matrices]);
  };
}
