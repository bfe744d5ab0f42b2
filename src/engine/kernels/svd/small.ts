import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import type { SvdOutputs } from './recorder';
import common from './small.wgsl?raw';
import backCode from './small-back.wgsl?raw';
import reduceCode from './small-reduce.wgsl?raw';
import valuesCode from './small-values.wgsl?raw';
import vectorsCode from './small-vectors.wgsl?raw';
import type { SvdShape } from './svd.cpu';

/** Maximum of the shorter side. */
export const MAX_SMALL = 128;

/**
 * Threads: WIDTH of `reduce` and `back`, LANES of them along a row; TEAM of `values`. A software adapter runs four threads
 * in the lanes of one instruction, and every further four cost a coroutine switch per barrier.
 */
const sizesFor = (software: boolean) =>
  software ? { WIDTH: 4, LANES: 4, TEAM: 4 } : { WIDTH: 256, LANES: 16, TEAM: 32 };

/** Places within a matrix's scratch, in floats: struct Shape of small.wgsl. */
function layoutOf({ rows, cols, r }: SvdShape, software: boolean) {
  const { LANES } = sizesFor(software);
  const p = Math.max(rows, cols);
  const q = Math.min(rows, cols);
  const line = Math.ceil(q / (4 * LANES)) * 4 * LANES;
  const width = Math.ceil(r / 16) * 16;
  const v = (p + 4) * line;
  const x = v + 2 * (p + 4);
  const tau = x + p + 4;
  const bid = tau + q;
  const lambda = bid + 2 * q;
  const z = lambda + q + 1;
  const lu = z + Math.max(2 * q, rows) * width;
  return { line, v, x, tau, bid, lambda, width, z, lu, stride: lu + 8 * q * width };
}

/** Bytes of scratch space that `createSmall` needs for this shape on this device. */
export const smallScratch = (device: Device, shape: SvdShape, software = device.info.isFallback): number =>
  shape.batch * layoutOf(shape, software).stride * 4;

/**
 * Compiles the kernels for min(m, n) ≤ `MAX_SMALL` (once per device). Rejects with `DeviceError`. The recorder trusts its
 * arguments: the caller has checked the shape and the buffers' sizes. `software` selects workgroup sizes. Magnitudes
 * below 2⁻¹²⁶ count as zero if the adapter flushes them, as WGSL allows.
 */
export async function createSmall(device: Device, software = device.info.isFallback) {
  const { WIDTH, LANES, TEAM } = sizesFor(software);
  const make = (
    code: string,
    entry: string,
    bindings: readonly ('read' | 'write' | 'uniform')[],
    constants: Readonly<Record<string, number>>,
  ) => device.pipeline(common + code, entry, bindings, `svd ${entry}`, constants);
  const [reduce, values, vectors, back] = await Promise.all([
    make(reduceCode, 'reduce', ['read', 'write', 'write', 'uniform'], { WIDTH, LANES }),
    make(valuesCode, 'values', ['write', 'write', 'uniform'], { WIDTH: TEAM }),
    make(vectorsCode, 'vectors', ['write', 'uniform'], { WIDTH, LANES }),
    make(backCode, 'back', ['write', 'write', 'uniform'], { WIDTH, LANES: 4 }),
  ]);
  return (batch: Batch, a: DeviceBuffer, out: SvdOutputs, shape: SvdShape): void => {
    const { rows, cols, r, batch: matrices } = shape;
    const at = layoutOf(shape, software);
    const uniforms = packUniforms(
      ['u', rows],
      ['u', cols],
      ['u', r],
      ['u', at.stride],
      ['u', at.line],
      ['u', at.v],
      ['u', at.x],
      ['u', at.tau],
      ['u', at.bid],
      ['u', at.lambda],
      ['u', at.width],
      ['u', at.z],
      ['u', at.lu],
    );
    const stretches = Math.ceil(Math.min(rows, cols) / (4 * TEAM));
    batch.dispatch(reduce, [a, out.bad, out.scratch], uniforms, [matrices]);
    batch.dispatch(values, [out.scratch, out.sigma], uniforms, [stretches, matrices]);
    if (r === 0) return;
    batch.dispatch(vectors, [out.scratch], uniforms, [matrices]);
    batch.dispatch(back, [out.scratch, out.u], uniforms, [matrices]);
  };
}
