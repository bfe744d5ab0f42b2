import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectBytes, expectDims } from '../shared/check';
import type { MomentLossShape, MomentWeights } from './momentloss.cpu';
import code from './momentloss.wgsl?raw';

const BINDINGS = ['read', 'read', 'read', 'write', 'write', 'write', 'write', 'uniform'] as const;

/** The shader's CHUNK: latent steps whose gradient one thread holds. */
const STEPS_PER_THREAD = 16;

export interface MomentLossOutputs {
  /** [B]. */
  readonly loss: DeviceBuffer;
  /** [B, 2]. */
  readonly terms: DeviceBuffer;
  /** [B, K, R]. */
  readonly dg: DeviceBuffer;
  /** Scratch space of `momentLossScratch` bytes. */
  readonly scratch: DeviceBuffer;
}

export const momentLossScratch = ({ batch, rank }: MomentLossShape): number =>
  batch * Math.ceil(rank / 64) * 8;

/** Records the loss, its terms and its gradient, see `momentLossCpu`. Throws `ShapeError`. */
export type MomentLossKernel = (
  batch: Batch,
  g: DeviceBuffer,
  muT: DeviceBuffer,
  cT: DeviceBuffer,
  out: MomentLossOutputs,
  shape: MomentLossShape,
  weights: MomentWeights,
) => void;

/** Compiles the kernel (once per device). Rejects with `DeviceError`. */
export async function createMomentLoss(device: Device): Promise<MomentLossKernel> {
  const [gradient, total] = await Promise.all([
    device.pipeline(code, 'gradient', BINDINGS, 'moment loss'),
    device.pipeline(code, 'total', BINDINGS, 'moment loss total'),
  ]);
  return (batch, g, muT, cT, out, shape, weights) => {
    const { batch: samples, steps, rank } = shape;
    expectDims('momentloss', { batch: samples, steps, rank });
    expectBytes('momentloss', 'g', g.bytes, [samples, steps, rank]);
    expectBytes('momentloss', 'muT', muT.bytes, [samples, rank]);
    expectBytes('momentloss', 'cT', cT.bytes, [samples, rank, rank]);
    expectBytes('momentloss', 'loss', out.loss.bytes, [samples]);
    expectBytes('momentloss', 'terms', out.terms.bytes, [samples, 2]);
    expectBytes('momentloss', 'dg', out.dg.bytes, [samples, steps, rank]);
    const tiles = Math.ceil(rank / 64);
    expectBytes('momentloss', 'scratch', out.scratch.bytes, [samples, tiles, 2]);
    const uniforms = packUniforms(
      ['u', samples],
      ['u', steps],
      ['u', rank],
      ['u', tiles],
      ['f', weights.c],
      ['f', weights.mu],
    );
    const buffers = [g, muT, cT, out.loss, out.terms, out.dg, out.scratch];
    batch.dispatch(gradient, buffers, uniforms, [tiles, samples, Math.ceil(steps / STEPS_PER_THREAD)]);
    batch.dispatch(total, buffers, uniforms, [Math.ceil(samples / 64)]);
  };
}
