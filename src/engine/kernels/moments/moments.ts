import { type Batch, foldGroups } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectBytes, expectDims } from '../shared/check';
import type { MomentsShape } from './moments.cpu';
import code from './moments.wgsl?raw';

const BINDINGS = ['read', 'write', 'write', 'uniform'] as const;

/** Records μ [B, R] and C [B, R, R] of g [B, M, R]. Throws `ShapeError`. */
export type MomentsKernel = (
  batch: Batch,
  g: DeviceBuffer,
  mu: DeviceBuffer,
  c: DeviceBuffer,
  shape: MomentsShape,
) => void;

/** Compiles the kernel (once per device). Rejects with `DeviceError`. */
export async function createMoments(device: Device): Promise<MomentsKernel> {
  const [mean, second] = await Promise.all([
    device.pipeline(code, 'mean', BINDINGS, 'moments mean'),
    device.pipeline(code, 'second', BINDINGS, 'moments second'),
  ]);
  return (batch, g, mu, c, { batch: samples, rows, rank }) => {
    expectDims('moments', { batch: samples, rows, rank });
    expectBytes('moments', 'g', g.bytes, [samples, rows, rank]);
    expectBytes('moments', 'mu', mu.bytes, [samples, rank]);
    expectBytes('moments', 'c', c.bytes, [samples, rank, rank]);
    const uniforms = packUniforms(['u', samples], ['u', rows], ['u', rank]);
    const tiles = Math.ceil(rank / 16);
    batch.dispatch(mean, [g, mu, c], uniforms, foldGroups(Math.ceil((samples * rank) / 64)));
    batch.dispatch(second, [g, mu, c], uniforms, [tiles, tiles, samples]);
  };
}
