import { BUG, DeviceError, LoriError, LostDeviceError, TooLargeError } from '../base/errors';
import type { DeviceInfo } from './adapter';
import { Batch } from './batch';
import { type BufferOwner, DeviceBuffer } from './buffer';
import { type Reported, reportedError } from './gpu-error';
import { type Binding, buildPipeline, type Constants, type Pipeline } from './pipeline';

/** How long after a failure a loss may still be reported, in ms. */
const LOSS_MS = 1000;

/**
 * The GPU device and everything that is shared on it: buffers with one owner each, pipelines compiled once, batches of
 * dispatches, and whether it is still alive. Calls on a destroyed device do not fail by themselves (training steps have
 * been seen to "succeed" on one), so every method calls `assertAlive` first.
 */
export class Device implements BufferOwner {
  /** Buffers made and not destroyed: flat over a training loop that leaks nothing. */
  liveBuffers = 0;
  /** mapAsync calls so far: none may happen inside a training step. */
  readBacks = 0;
  /** Queue submissions so far. */
  submits = 0;

  private lostMessage: string | undefined;
  private readonly errors: Reported[] = [];
  private readonly lossListeners = new Set<(error: LostDeviceError) => void>();
  private readonly pipelines = new Map<string, Promise<Pipeline>>();
  private arena: GPUBuffer | undefined;

  constructor(
    readonly gpu: GPUDevice,
    readonly info: DeviceInfo,
  ) {
    gpu.lost.then((lost) => this.lose(lost.message || lost.reason));
    gpu.addEventListener('uncapturederror', (event) => this.errors.push(event.error));
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  get features(): GPUSupportedFeatures {
    return this.gpu.features;
  }

  /** True once the device is lost or destroyed; to be checked at every step. */
  get lost(): boolean {
    return this.lostMessage !== undefined;
  }

  /**
   * Throws `LostDeviceError` if the device is lost. If it has reported errors since the last call, throws `MemoryError`
   * when it ran out of memory and `DeviceError` for anything else.
   */
  assertAlive(): void {
    if (this.lost) throw this.loss();
    if (this.errors.length > 0) throw reportedError(this.errors.splice(0));
  }

  /**
   * Call it after a failure on the GPU: a lost device makes calls fail before it reports the loss. Waits up to a second for
   * that report, then throws as `assertAlive` does.
   */
  async assertAliveAfterFailure(): Promise<void> {
    await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, LOSS_MS))]);
    this.assertAlive();
  }

  /**
   * A zeroed buffer of at least `bytes` (rounded up to a multiple of 16, as the inference runtime requires). Default
   * usage: storage, copy source and destination. Throws `TooLargeError` if it is larger than the adapter allows. Running out
   * of memory is noticed later, by `assertAlive`.
   */
  createBuffer(bytes: number, label: string, usage?: GPUBufferUsageFlags): DeviceBuffer {
    this.assertAlive();
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const max = Math.min(this.limits.maxBufferSize, this.limits.maxStorageBufferBindingSize);
    if (!Number.isFinite(size) || size > max) {
      throw new TooLargeError(
        `buffer "${label}" takes ${bytes} bytes; this GPU allows ${max} at most`,
        'Lower the batch size or the ranks, choose a smaller checkpoint, or choose WASM in the Model panel.',
      );
    }
    const flags = usage ?? GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return new DeviceBuffer(this, this.gpu.createBuffer({ size, usage: flags, label }), bytes, label);
  }

  /** A new buffer that holds `data`. */
  upload(data: Float32Array | Int32Array | Uint32Array | Uint8Array, label: string): DeviceBuffer {
    const buffer = this.createBuffer(data.byteLength, label);
    this.write(buffer, data);
    return buffer;
  }

  /** Writes `data` into `buffer` starting at byte `offset` (a multiple of 4). Throws `DeviceError` past its end. */
  write(buffer: DeviceBuffer, data: Float32Array | Int32Array | Uint32Array | Uint8Array, offset = 0): void {
    this.assertAlive();
    if (offset % 4 !== 0 || offset + data.byteLength > buffer.gpu.size) {
      throw new DeviceError(
        `${data.byteLength} bytes at offset ${offset} do not fit into buffer "${buffer.label}" of ${buffer.gpu.size} bytes`,
        BUG,
      );
    }
    const tail = data.byteLength % 4;
    const whole = data.byteLength - tail;
    this.gpu.queue.writeBuffer(buffer.gpu, offset, data.buffer, data.byteOffset, whole);
    if (tail === 0) return;
    // The queue accepts whole words only.
    const last = new Uint8Array(4);
    last.set(new Uint8Array(data.buffer, data.byteOffset + whole, tail));
    this.gpu.queue.writeBuffer(buffer.gpu, offset + whole, last);
  }

  /** Copies the first `bytes` (default: all) back to host memory. Counted in `readBacks`. */
  async read(buffer: DeviceBuffer, bytes = buffer.bytes): Promise<ArrayBuffer> {
    this.assertAlive();
    if (bytes < 0 || bytes > buffer.gpu.size) {
      throw new DeviceError(
        `cannot read ${bytes} bytes from buffer "${buffer.label}" of ${buffer.gpu.size} bytes`,
        BUG,
      );
    }
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.gpu.createBuffer({ size, usage, label: `read ${buffer.label}` });
    try {
      const encoder = this.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer.gpu, 0, staging, 0, size);
      this.submit(encoder.finish());
      this.readBacks++;
      await staging.mapAsync(GPUMapMode.READ);
      const copy = staging.getMappedRange().slice(0, bytes);
      // One mistake is reported several times, whenever something it made invalid is used: all of it belongs to this call.
      if (this.errors.length > 0) await new Promise((resolve) => setTimeout(resolve));
      this.assertAlive();
      return copy;
    } catch (cause) {
      if (!(cause instanceof LoriError)) await this.assertAliveAfterFailure();
      throw cause;
    } finally {
      staging.destroy();
    }
  }

  /** `read` as float32. */
  async readF32(
    buffer: DeviceBuffer,
    length = Math.floor(buffer.bytes / 4),
  ): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.read(buffer, length * 4));
  }

  /**
   * The compute pipeline of `entry` in `code`, compiled once for each set of override constants. `bindings` names
   * group 0 in order: an automatic layout would drop those an entry point does not use. Rejects with `DeviceError`
   * that carries the compiler's message.
   */
  pipeline(
    code: string,
    entry: string,
    bindings: readonly Binding[],
    label: string,
    constants: Constants = {},
  ) {
    const key = JSON.stringify([entry, bindings, constants, code]);
    let made = this.pipelines.get(key);
    if (!made) {
      this.assertAlive();
      made = buildPipeline(this.gpu, code, entry, bindings, label, constants);
      made.catch(() => this.pipelines.delete(key));
      this.pipelines.set(key, made);
    }
    return made;
  }

  /** Records dispatches and submits them as one: `device.record('step', (batch) => { … })`. */
  record(label: string, fill: (batch: Batch) => void): void {
    this.assertAlive();
    this.arena ??= this.gpu.createBuffer({
      label: 'uniforms',
      size: Batch.ARENA_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const batch = new Batch(this.gpu, this.arena, label, (commands) => this.submit(commands));
    fill(batch);
    batch.finish();
  }

  /** Resolves when everything submitted so far has run. */
  async idle(): Promise<void> {
    await this.gpu.queue.onSubmittedWorkDone();
    this.assertAlive();
  }

  /** Destroys the device, with every buffer on it. */
  destroy(): void {
    this.gpu.destroy();
    this.lose('it was closed');
  }

  private submit(commands: GPUCommandBuffer): void {
    this.submits++;
    this.gpu.queue.submit([commands]);
  }

  /** Calls back once when the device is lost or destroyed, at once if it is. @returns what ends that */
  onLoss(listener: (error: LostDeviceError) => void): () => void {
    if (this.lost) listener(this.loss());
    else this.lossListeners.add(listener);
    return () => this.lossListeners.delete(listener);
  }

  private loss(): LostDeviceError {
    return new LostDeviceError(`the GPU device was lost: ${this.lostMessage}`);
  }

  private lose(message: string): void {
    if (this.lostMessage !== undefined) return;
    this.lostMessage = message;
    for (const listener of this.lossListeners) listener(this.loss());
    this.lossListeners.clear();
  }
}
