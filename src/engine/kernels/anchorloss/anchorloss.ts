import { ShapeError } from '../../base/errors';
import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectBytes, expectDims } from '../shared/check';
import type { AnchorLossShape } from './anchorloss.cpu';
import code from './anchorloss.wgsl?raw';

const BINDINGS = ['read', 'read', 'read', 'read', 'write', 'write', 'write', 'uniform'] as const;

/** Fixed by the shader's workgroup array. */
const MAX_RANK = 512;

export interface AnchorLossOutputs {
  /** [B]. */
  readonly loss: DeviceBuffer;
  /** [B, L, H]. */
  readonly dh: DeviceBuffer;
  /** Scratch space, [B, L]. */
  readonly scratch: DeviceBuffer;
}

/** Records the loss and its gradient, see `anchorLossCpu`. Throws `ShapeError`. */
export type AnchorLossKernel = (
  batch: Batch,
  h: DeviceBuffer,
  target: DeviceBuffer,
  uH: DeviceBuffer,
  layerScale: DeviceBuffer,
  out: AnchorLossOutputs,
  shape: AnchorLossShape,
) => void;

/** Compiles the kernel (once per device). Rejects with `DeviceError`. */
export async function createAnchorLoss(device: Device): Promise<AnchorLossKernel> {
  const [gradient, total] = await Promise.all([
    device.pipeline(code, 'gradient', BINDINGS, 'anchor loss'),
    device.pipeline(code, 'total', BINDINGS, 'anchor loss total'),
  ]);
  return (batch, h, target, uH, layerScale, out, shape) => {
    const { batch: samples, layers, hidden, rank } = shape;
    expectDims('anchorloss', { batch: samples, layers, hidden, rank });
    if (rank > MAX_RANK)
      throw new ShapeError(`anchorloss: rank ${rank} given; the shader takes at most ${MAX_RANK}`);
    expectBytes('anchorloss', 'h', h.bytes, [samples, layers, hidden]);
    expectBytes('anchorloss', 'target', target.bytes, [samples, layers, rank]);
    expectBytes('anchorloss', 'uH', uH.bytes, [hidden, rank]);
    expectBytes('anchorloss', 'layerScale', layerScale.bytes, [layers]);
    expectBytes('anchorloss', 'loss', out.loss.bytes, [samples]);
    expectBytes('anchorloss', 'dh', out.dh.bytes, [samples, layers, hidden]);
    expectBytes('anchorloss', 'scratch', out.scratch.bytes, [samples, layers]);
    const uniforms = packUniforms(['u', samples], ['u', layers], ['u', hidden], ['u', rank]);
    const buffers = [h, target, uH, layerScale, out.loss, out.dh, out.scratch];
    batch.dispatch(gradient, buffers, uniforms, [layers, samples]);
    batch.dispatch(total, buffers, uniforms, [Math.ceil(samples / 64)]);
  };
}
