import { type Batch, foldGroups } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectBytes, expectDims } from '../shared/check';
import { type AdamWStep, stepFactors } from './adamw.cpu';
import code from './adamw.wgsl?raw';

const BINDINGS = ['write', 'read', 'write', 'write', 'read', 'uniform'] as const;

/** Records one step over `count` parameters, in place, see `adamWCpu`. Throws `ShapeError`. */
export type AdamWKernel = (
  batch: Batch,
  param: DeviceBuffer,
  grad: DeviceBuffer,
  m: DeviceBuffer,
  v: DeviceBuffer,
  norm: DeviceBuffer,
  count: number,
  step: AdamWStep,
) => void;

/** Compiles the kernel (once per device). Rejects with `DeviceError`. */
export async function createAdamW(device: Device): Promise<AdamWKernel> {
  const pipeline = await device.pipeline(code, 'step', BINDINGS, 'adamw');
  return (batch, param, grad, m, v, norm, count, step) => {
    expectDims('adamw', { count });
    for (const [name, buffer] of Object.entries({ param, grad, m, v }))
      expectBytes('adamw', name, buffer.bytes, [count]);
    expectBytes('adamw', 'norm', norm.bytes, [4]);
    const { decay, stepSize, rootCorrection } = stepFactors(step);
    const uniforms = packUniforms(
      ['u', count],
      ['f', step.beta1],
      ['f', step.beta2],
      ['f', 1 - step.beta1],
      ['f', 1 - step.beta2],
      ['f', step.eps],
      ['f', decay],
      ['f', stepSize],
      ['f', rootCorrection],
    );
    batch.dispatch(pipeline, [param, grad, m, v, norm], uniforms, foldGroups(Math.ceil(count / 256)));
  };
}
