import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';

/** Buffers for testing a kernel; `close` destroys them all. */
export class Workspace {
  private readonly buffers: DeviceBuffer[] = [];

  constructor(readonly device: Device) {}

  input(data: Float32Array | Uint32Array, label = 'input'): DeviceBuffer {
    return this.keep(this.device.upload(data, label));
  }

  /** An output filled with NaN, so that elements the kernel does not write show. */
  output(length: number, label = 'output'): DeviceBuffer {
    return this.keep(this.device.upload(new Float32Array(length).fill(Number.NaN), label));
  }

  run(fill: (batch: Batch) => void): void {
    this.device.record('test', fill);
  }

  read(buffer: DeviceBuffer): Promise<Float32Array<ArrayBuffer>> {
    return this.device.readF32(buffer);
  }

  close(): void {
    for (const buffer of this.buffers.splice(0)) buffer.destroy();
  }

  private keep(buffer: DeviceBuffer): DeviceBuffer {
    this.buffers.push(buffer);
    return buffer;
  }
}
