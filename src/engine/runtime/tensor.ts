import { allocate, type BoundDType, DTYPE_BYTES, type HostData } from '../base/dtype';
import { BUG, RuntimeError } from '../base/errors';
import { type Shape, showShape, sizeOf } from '../base/shape';
import type { DeviceBuffer } from '../device/buffer';
import type { Device } from '../device/device';
import { allocating } from './failure';
import type { Ort } from './ort';
import { enqueue } from './queue';

/**
 * A tensor on the execution provider. Whoever created it (by Runtime.upload, Runtime.empty, or a run without an output
 * of that name) disposes of it, once; any use after that throws RuntimeError.
 */
export interface DeviceTensor {
  readonly dtype: BoundDType;
  readonly shape: Shape;
  readonly label: string;
  readonly location: 'cpu' | 'gpu';
  readonly disposed: boolean;
  /** Replaces the value. @throws RuntimeError on the wrong type or length, or while a run uses the tensor */
  write(data: HostData): void;
  /**
   * Replaces a part of the value, from element `at` of its host array; on the GPU only whole words. @throws
   * RuntimeError as `write` does, and if the part ends beyond the value
   */
  writeAt(at: number, data: HostData): void;
  /** A copy of the value. On the GPU this waits for the device: not for the hot path (Runtime.readCount counts). */
  read(): Promise<HostData>;
  dispose(): void;
  /** GPU only. Its size is a multiple of 16 bytes. */
  readonly buffer: GPUBuffer;
  /** GPU only: the same buffer in the form that kernels take. The tensor still owns it. */
  readonly deviceBuffer: DeviceBuffer;
  /** CPU only: the value itself, not a copy. */
  readonly data: HostData;
  /**
   * Integers as they were last written from host memory, without waiting for the device; undefined for other
   * types, and if a program has written to it since.
   */
  readonly written: Int32Array | undefined;
}

/** What tensors need from the runtime that made them. */
export interface TensorOwner {
  /** Whether the runtime is disposed of, and all its tensors with it. */
  readonly ended: boolean;
  disposed(tensor: BaseTensor): void;
  read(): void;
}

const ORT_TYPE = { f32: 'float32', i32: 'int32', bool: 'bool', u8: 'uint8', i4: 'int4' } as const;

export abstract class BaseTensor implements DeviceTensor {
  abstract readonly location: 'cpu' | 'gpu';
  disposed = false;
  /** Runs requested and not yet finished. */
  users = 0;

  constructor(
    protected readonly owner: TensorOwner,
    protected readonly ort: typeof Ort,
    readonly dtype: BoundDType,
    readonly shape: Shape,
    readonly label: string,
  ) {}

  abstract get buffer(): GPUBuffer;
  abstract get deviceBuffer(): DeviceBuffer;
  abstract get data(): HostData;
  abstract get written(): Int32Array | undefined;
  abstract write(data: HostData): void;
  abstract writeAt(at: number, data: HostData): void;
  abstract read(): Promise<HostData>;
  abstract ortTensor(): Ort.Tensor;
  /** A program writes to it. */
  abstract overwritten(): void;
  protected abstract free(): void;

  get name(): string {
    return `tensor "${this.label}" ${this.dtype} ${showShape(this.shape)}`;
  }

  dispose(): void {
    if (this.disposed && this.owner.ended) return;
    this.usable('disposed of');
    this.idle('disposed of');
    this.disposed = true;
    this.free();
    this.owner.disposed(this);
  }

  protected usable(what: string): void {
    if (this.disposed) throw new RuntimeError(`${this.name} was ${what} after it had been disposed of`, BUG);
  }

  protected idle(what: string): void {
    if (this.users > 0)
      throw new RuntimeError(`${this.name} was ${what} while a run uses it`, 'Await the run first.');
  }

  /** @param at first element of a part; undefined for the whole */
  protected checkData(data: HostData, at?: number): void {
    const wanted = allocate(this.dtype, 0).constructor;
    const length = this.dtype === 'i4' ? Math.ceil(sizeOf(this.shape) / 2) : sizeOf(this.shape);
    const fits = at === undefined ? data.length === length : at >= 0 && at + data.length <= length;
    if (data.constructor !== wanted || !fits)
      throw new RuntimeError(
        `${this.name} needs ${wanted.name} of ${length}, got ${data.constructor.name} of ${data.length}${at === undefined ? '' : ` at ${at}`}`,
        BUG,
      );
  }

  protected get ortType(): (typeof ORT_TYPE)[BoundDType] {
    return ORT_TYPE[this.dtype];
  }
}

export class CpuTensor extends BaseTensor {
  readonly location = 'cpu';
  private value: HostData;
  private wrapped: Ort.Tensor | undefined;

  constructor(
    owner: TensorOwner,
    ort: typeof Ort,
    dtype: BoundDType,
    shape: Shape,
    label: string,
    value?: HostData,
  ) {
    super(owner, ort, dtype, shape, label);
    const length = sizeOf(shape);
    this.value = value ?? allocating(this.name, length * DTYPE_BYTES[dtype], () => allocate(dtype, length));
    this.checkData(this.value);
  }

  get data(): HostData {
    this.usable('read');
    return this.value;
  }

  get written(): Int32Array | undefined {
    const { data } = this;
    return data instanceof Int32Array ? data : undefined;
  }

  overwritten(): void {
    // Nothing to do: reads return the value itself.
  }

  get buffer(): GPUBuffer {
    return this.deviceBuffer.gpu;
  }

  get deviceBuffer(): DeviceBuffer {
    throw new RuntimeError(`${this.name} has no GPU buffer: it is in host memory`, BUG);
  }

  write(data: HostData): void {
    this.usable('written');
    this.idle('written');
    this.checkData(data);
    this.value.set(data);
  }

  writeAt(at: number, data: HostData): void {
    this.usable('written');
    this.idle('written');
    this.checkData(data, at);
    this.value.set(data, at);
  }

  async read(): Promise<HostData> {
    this.owner.read();
    return this.data.slice() as HostData;
  }

  /** A view of the value: ONNX Runtime copies it when a run starts. */
  ortTensor(): Ort.Tensor {
    this.wrapped ??= new this.ort.Tensor(this.ortType as 'float32', this.value as never, this.shape);
    return this.wrapped;
  }

  protected free(): void {
    this.value = allocate(this.dtype, 0);
    this.wrapped = undefined;
  }
}

/** Buffer sizes ONNX Runtime accepts. */
export const bufferBytes = (dtype: BoundDType, shape: Shape): number =>
  Math.max(16, Math.ceil((sizeOf(shape) * DTYPE_BYTES[dtype]) / 16) * 16);

export class GpuTensor extends BaseTensor {
  readonly location = 'gpu';
  private readonly store: DeviceBuffer;
  private integers: Int32Array | undefined;
  private wrapped: Ort.Tensor | undefined;

  constructor(
    owner: TensorOwner,
    ort: typeof Ort,
    private readonly device: Device,
    dtype: BoundDType,
    shape: Shape,
    label: string,
    /** The buffer to take over; otherwise a new one is created. */
    store?: DeviceBuffer,
  ) {
    super(owner, ort, dtype, shape, label);
    this.store = store ?? device.createBuffer(bufferBytes(dtype, shape), label);
  }

  get buffer(): GPUBuffer {
    return this.deviceBuffer.gpu;
  }

  get deviceBuffer(): DeviceBuffer {
    this.usable('used');
    return this.store;
  }

  get data(): HostData {
    throw new RuntimeError(`${this.name} is on the GPU: await read(), or use buffer`, BUG);
  }

  get written(): Int32Array | undefined {
    this.usable('read');
    return this.integers;
  }

  overwritten(): void {
    this.integers = undefined;
  }

  write(data: HostData): void {
    this.usable('written');
    this.idle('written');
    this.checkData(data);
    this.device.write(this.store, data);
    this.integers = data instanceof Int32Array ? data.slice() : undefined;
  }

  writeAt(at: number, data: HostData): void {
    this.usable('written');
    this.idle('written');
    this.checkData(data, at);
    this.device.write(this.store, data, at * data.BYTES_PER_ELEMENT);
    this.integers = undefined;
  }

  async read(): Promise<HostData> {
    this.usable('read');
    this.owner.read();
    return enqueue(async () => {
      this.usable('read');
      const data = allocate(this.dtype, sizeOf(this.shape));
      new Uint8Array(data.buffer).set(new Uint8Array(await this.device.read(this.store, data.byteLength)));
      return data;
    });
  }

  ortTensor(): Ort.Tensor {
    this.wrapped ??= this.ort.Tensor.fromGpuBuffer(this.store.gpu as never, {
      // ONNX Runtime's type declarations list fewer types than it accepts.
      dataType: this.ortType as 'float32',
      dims: [...this.shape],
    }) as unknown as Ort.Tensor;
    return this.wrapped;
  }

  protected free(): void {
    this.store.destroy();
    this.wrapped = undefined;
  }
}
