import { sizeOf } from '../base/shape';
import { DeviceBuffer } from '../device/buffer';
import type { DeviceTensor } from './tensor';

/**
 * An f32 tensor's GPU buffer at the tensor's own size, from which kernels take their element counts;
 * `deviceBuffer` has the padded size. The tensor still owns it.
 */
export function kernelBuffer(tensor: DeviceTensor): DeviceBuffer {
  return new DeviceBuffer({ liveBuffers: 0 }, tensor.buffer, 4 * sizeOf(tensor.shape), tensor.label);
}
