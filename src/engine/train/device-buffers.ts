import { sizeOf } from '../base/shape';
import { DeviceBuffer } from '../device/buffer';
import type { DeviceTensor } from '../runtime/tensor';

/** A runtime's f32 tensor as the kernels take it: the same GPU buffer, which stays the tensor's to free. */
export function bufferOf(tensor: DeviceTensor): DeviceBuffer {
  return new DeviceBuffer({ liveBuffers: 0 }, tensor.buffer, 4 * sizeOf(tensor.shape), tensor.label);
}
