import { BUG, DeviceError } from '../base/errors';

/** Counts live buffers. */
export interface BufferOwner {
  liveBuffers: number;
}

/**
 * A GPU buffer with one owner: whoever made it destroys it, once. `bytes` is the size asked for; `gpu.size` is that
 * rounded up to a multiple of 16.
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
    if (this.destroyed)
      throw new DeviceError(`buffer "${this.label}" was used after it had been destroyed`, BUG);
    return this.buffer;
  }

  /** Throws `DeviceError` when called twice, which is an ownership mistake. */
  destroy(): void {
    if (this.destroyed) throw new DeviceError(`buffer "${this.label}" was destroyed twice`, BUG);
    this.destroyed = true;
    this.owner.liveBuffers--;
    this.buffer.destroy();
  }
}
