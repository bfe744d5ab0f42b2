import { sizeOf } from '../base/shape';
import { DeviceBuffer } from '../device/buffer';
import type { DeviceTensor } from '../runtime/tensor';

/** A runtime's f32 tensor in the form that kernels take: the same GPU buffer, still owned by the tensor. */
export function bufferOf(tensor: DeviceTensor): DeviceBuffer {
  return new DeviceBuffer({ liveBuffers: 0 }, tensor.buffer, 4 * sizeOf(tensor.shape), tensor.label);
}
