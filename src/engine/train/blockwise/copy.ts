import { RuntimeError } from '../../base/errors';
import type { Device } from '../../device/device';
import type { DeviceTensor } from '../../runtime/tensor';

/** A run of f32 values to copy from one tensor to another, where they lie; positions and length in values. */
export interface Copy {
  readonly from: DeviceTensor;
  readonly fromAt: number;
  readonly to: DeviceTensor;
  readonly toAt: number;
  readonly length: number;
}

/** Copies in host memory at once, or on the GPU in one submission, after what has been submitted before. */
export function copyAll(copies: readonly Copy[], device: Device | undefined): void {
  if (copies.length === 0) return;
  if (copies[0]?.to.location === 'cpu') {
    for (const { from, fromAt, to, toAt, length } of copies)
      (to.data as Float32Array).set((from.data as Float32Array).subarray(fromAt, fromAt + length), toAt);
    return;
  }
  if (!device)
    throw new RuntimeError('tensors on the GPU cannot be copied without the device', 'pass options.device');
  const commands = device.gpu.createCommandEncoder({ label: 'copies' });
  for (const { from, fromAt, to, toAt, length } of copies)
    commands.copyBufferToBuffer(from.buffer, 4 * fromAt, to.buffer, 4 * toAt, 4 * length);
  device.gpu.queue.submit([commands.finish()]);
}
