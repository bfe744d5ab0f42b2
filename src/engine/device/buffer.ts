import { DeviceError } from '../base/errors';

/** Counts what is alive. */
export interface BufferOwner {
  liveBuffers: number;
}

/**
 * A GPU buffer with one owner: whoever made it destroys it, once. `bytes` is what was asked for; `gpu.size` is that
 * rounded up to 16.
 */
export class DeviceBuffer {
  private destroyed = false;

  constructor(
    private readonly owner: BufferOwner,
    private readonly buffer: GPUBuffer,
    readonly bytes: number,
    readonly label: string,
  ) {
    owner.liveBuffers++;
  }

  /** The WebGPU buffer. Throws `DeviceError` after `destroy`. */
  get gpu(): GPUBuffer {
    if (this.destroyed) throw new DeviceError(`buffer "${this.label}" was used after it had been destroyed`);
    return this.buffer;
  }

  /** Throws `DeviceError` the second time: that is an ownership mistake. */
  destroy(): void {
    if (this.destroyed) throw new DeviceError(`buffer "${this.label}" was destroyed twice`);
    this.destroyed = true;
    this.owner.liveBuffers--;
    this.buffer.destroy();
  }
}
