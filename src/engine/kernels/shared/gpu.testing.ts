import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import { type Device, openDevice } from '../../device/device';

export { randomF32 } from './testing';

/**
 * Float32 sums on the GPU, in blocks, against float64: the gate of every kernel but the decomposition. Relative to the
 * largest magnitude of the tensor.
 */
export const GPU_TOLERANCE = 1e-5;

/** A device whose buffers are all destroyed by `close`, which fails if any other was left alive. */
export class TestBench {
  private readonly buffers: DeviceBuffer[] = [];

  private constructor(readonly device: Device) {}

  static async open(): Promise<TestBench> {
    return new TestBench(await openDevice());
  }

  input(data: Float32Array, label = 'input'): DeviceBuffer {
    return this.keep(this.device.upload(data, label));
  }

  /** An output filled with NaN: an element that the kernel leaves out shows. */
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
    for (const b of this.buffers) b.destroy();
    const left = this.device.liveBuffers;
    this.device.destroy();
    if (left !== 0) throw new Error(`${left} GPU buffers were left alive`);
  }

  private keep(buffer: DeviceBuffer): DeviceBuffer {
    this.buffers.push(buffer);
    return buffer;
  }
}
