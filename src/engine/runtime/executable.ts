import type { BoundDType } from '../base/dtype';
import { BUG, RuntimeError } from '../base/errors';
import { type Shape, sameShape, showShape } from '../base/shape';
import type { Device } from '../device/device';
import { inputName, outputName } from '../onnx/emit';
import { runtimeFailure } from './failure';
import type { Ort } from './ort';
import { enqueue } from './queue';
import { BaseTensor, bufferBytes, type DeviceTensor } from './tensor';

/** Shape and type of something bound to a program. */
export interface Binding {
  readonly dtype: BoundDType;
  readonly shape: Shape;
}

/** A compiled program. Call `dispose` once for every `compile`; the last call releases the session. */
export interface Executable {
  readonly name: string;
  /** Values to bind, by name, without graph inputs that no output depends on. */
  readonly inputs: ReadonlyMap<string, Binding>;
  readonly outputs: ReadonlyMap<string, Binding>;
  /** Number of nodes in the emitted model, before ONNX Runtime's own optimisation. */
  readonly nodeCount: number;
  /** Bytes of the emitted model, including baked weights. */
  readonly bytes: number;
  /**
   * Runs the program, after all earlier runs in this realm. Outputs passed in are written to; the others are
   * created, and the caller owns them.
   * @throws RuntimeError naming program and tensor if a binding does not fit, LostDeviceError if the GPU is lost,
   * MemoryError and TooLargeError if there is no room
   */
  run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    outputs?: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>>;
  /** Resolves when the session is released, if this was its last holder. */
  dispose(): Promise<void>;
}

/** What an executable needs from the runtime that compiled it. */
export interface ExecutableOwner {
  /** Whether the runtime is disposed of, and all its programs with it. */
  readonly ended: boolean;
  readonly device: Device | undefined;
  empty(dtype: BoundDType, shape: Shape, label: string): BaseTensor;
  adopt(dtype: BoundDType, shape: Shape, label: string, data: unknown): BaseTensor;
  /** Whether this runtime made the tensor: those of other runtimes are refused. */
  owns(tensor: BaseTensor): boolean;
  released(executable: OrtExecutable): Promise<void>;
}

const show = ({ dtype, shape }: Binding): string => `${dtype} ${showShape(shape)}`;

export class OrtExecutable implements Executable {
  /** What the first run of a captured program bound. */
  private bound: ReadonlyMap<string, BaseTensor> | undefined;
  /** Compilations not yet disposed of. */
  references = 1;

  constructor(
    private readonly owner: ExecutableOwner,
    private readonly session: Ort.InferenceSession,
    /** Digest of the emitted model. */
    readonly key: string,
    /** Whether every run binds the same tensors as the first. */
    private readonly captured: boolean,
    readonly name: string,
    readonly nodeCount: number,
    readonly bytes: number,
    readonly inputs: ReadonlyMap<string, Binding>,
    readonly outputs: ReadonlyMap<string, Binding>,
  ) {}

  async run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    outputs: Readonly<Record<string, DeviceTensor>> = {},
  ): Promise<Record<string, DeviceTensor>> {
    const fed = this.check('input', this.inputs, inputs, true);
    const given = this.check('output', this.outputs, outputs, false);
    this.checkAliases(fed, given);
    if (this.captured) this.checkCaptured(fed, given);
    const created = this.createMissing(given);
    const used = [...fed.values(), ...given.values()];
    for (const tensor of used) tensor.users++;
    for (const tensor of given.values()) tensor.overwritten();
    try {
      await enqueue(() => (this.owner.device ? this.runOnGpu(fed, given) : this.runOnCpu(fed, given)));
    } catch (error) {
      for (const tensor of used) tensor.users--;
      for (const tensor of created) tensor.dispose();
      throw error;
    }
    for (const tensor of used) tensor.users--;
    return Object.fromEntries(given);
  }

  /** On the GPU we create every output before the run; on the CPU we adopt what ONNX Runtime returns after it. */
  private createMissing(given: Map<string, BaseTensor>): BaseTensor[] {
    const created: BaseTensor[] = [];
    if (!this.owner.device) return created;
    try {
      for (const [name, { dtype, shape }] of this.outputs) {
        if (given.has(name)) continue;
        const tensor = this.owner.empty(dtype, shape, `${this.name}: ${name}`);
        created.push(tensor);
        given.set(name, tensor);
      }
    } catch (error) {
      for (const tensor of created) tensor.dispose();
      throw error;
    }
    return created;
  }

  dispose(): Promise<void> {
    if (this.owner.ended) return Promise.resolve();
    if (this.references <= 0)
      throw new RuntimeError(`${this.name} was disposed of more often than it was compiled`, BUG);
    return --this.references === 0 ? this.owner.released(this) : Promise.resolve();
  }

  /** Releases the session once everything queued has run. */
  release(): Promise<void> {
    this.references = 0;
    return enqueue(() => this.session.release());
  }

  private async runOnGpu(
    fed: ReadonlyMap<string, BaseTensor>,
    given: ReadonlyMap<string, BaseTensor>,
  ): Promise<void> {
    this.checkDevice();
    const feeds: Record<string, Ort.Tensor> = {};
    for (const [name, tensor] of fed) feeds[inputName(name)] = tensor.ortTensor();
    if (this.captured) {
      await this.replay(feeds, given);
    } else {
      const fetches: Record<string, Ort.Tensor> = {};
      for (const [name, tensor] of given) fetches[outputName(name)] = tensor.ortTensor();
      await this.guarded(() => this.session.run(feeds, fetches));
    }
    this.checkDevice();
  }

  /** A recording writes to ONNX Runtime's own buffers (it forgets others after the first run), so we copy from those. */
  private async replay(
    feeds: Record<string, Ort.Tensor>,
    given: ReadonlyMap<string, BaseTensor>,
  ): Promise<void> {
    const values = await this.guarded(() => this.session.run(feeds));
    const gpu = (this.owner.device as Device).gpu;
    const commands = gpu.createCommandEncoder({ label: this.name });
    for (const [name, tensor] of given) {
      const value = values[outputName(name)] as Ort.Tensor;
      const from = value.gpuBuffer as unknown as GPUBuffer;
      commands.copyBufferToBuffer(from, 0, tensor.buffer, 0, Math.min(from.size, tensor.buffer.size));
    }
    gpu.queue.submit([commands.finish()]);
    for (const value of Object.values(values)) value.dispose();
  }

  private async runOnCpu(
    fed: ReadonlyMap<string, BaseTensor>,
    given: Map<string, BaseTensor>,
  ): Promise<void> {
    const feeds: Record<string, Ort.Tensor> = {};
    for (const [name, tensor] of fed) feeds[inputName(name)] = tensor.ortTensor();
    const values = await this.guarded(() => this.session.run(feeds));
    for (const [name, { dtype, shape }] of this.outputs) {
      const { data } = values[outputName(name)] as Ort.Tensor;
      const target = given.get(name);
      // ONNX Runtime's WASM provider does not write into host arrays passed to it; what it returns is ours to keep.
      if (target) target.data.set(data as never);
      else given.set(name, this.owner.adopt(dtype, shape, `${this.name}: ${name}`, data));
    }
  }

  private async guarded<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (cause) {
      await this.owner.device?.assertAliveAfterFailure();
      throw runtimeFailure(`${this.name}: the run failed`, cause);
    }
  }

  /** Runs on a destroyed device "succeed" for a while, so the device is checked before and after each. */
  private checkDevice(): void {
    this.owner.device?.assertAlive();
  }

  /** Refuses everything that would make ONNX Runtime hang or read out of bounds. */
  private check(
    kind: 'input' | 'output',
    wanted: ReadonlyMap<string, Binding>,
    bound: Readonly<Record<string, DeviceTensor>>,
    all: boolean,
  ): Map<string, BaseTensor> {
    if (this.references <= 0)
      throw new RuntimeError(`${this.name} was run after it had been disposed of`, BUG);
    this.checkDevice();
    const checked = new Map<string, BaseTensor>();
    for (const [name, tensor] of Object.entries(bound)) {
      const binding = wanted.get(name);
      if (!binding)
        throw new RuntimeError(
          `${this.name} has no ${kind} "${name}"; it has: ${[...wanted.keys()].join(', ') || 'none'}`,
          BUG,
        );
      if (!(tensor instanceof BaseTensor) || !this.owner.owns(tensor))
        throw new RuntimeError(`${this.name}: ${kind} "${name}" is not a live tensor of this runtime`, BUG);
      if (tensor.dtype !== binding.dtype || !sameShape(tensor.shape, binding.shape))
        throw new RuntimeError(
          `${this.name}: ${kind} "${name}" must be ${show(binding)}, got ${show(tensor)}`,
          BUG,
        );
      if (tensor.location === 'gpu' && tensor.buffer.size < bufferBytes(tensor.dtype, tensor.shape))
        throw new RuntimeError(
          `${this.name}: the buffer of ${kind} "${name}" has ${tensor.buffer.size} bytes, ${show(binding)} needs ${bufferBytes(binding.dtype, binding.shape)}`,
          BUG,
        );
      checked.set(name, tensor);
    }
    if (all)
      for (const [name, binding] of wanted)
        if (!checked.has(name))
          throw new RuntimeError(`${this.name}: ${kind} "${name}" (${show(binding)}) is missing`, BUG);
    return checked;
  }

  /** A recording keeps reading and writing the tensors it was made with, whatever is passed later. */
  private checkCaptured(fed: ReadonlyMap<string, BaseTensor>, given: ReadonlyMap<string, BaseTensor>): void {
    for (const name of this.outputs.keys())
      if (!given.has(name))
        throw new RuntimeError(
          `${this.name} was compiled with capture: output "${name}" must be passed in`,
          BUG,
        );
    const binding = new Map<string, BaseTensor>();
    for (const [name, tensor] of fed) binding.set(`input "${name}"`, tensor);
    for (const [name, tensor] of given) binding.set(`output "${name}"`, tensor);
    this.bound ??= binding;
    for (const [name, tensor] of binding)
      if (this.bound.get(name) !== tensor)
        throw new RuntimeError(
          `${this.name} was compiled with capture: ${name} is not the tensor of its first run`,
          'Write into that tensor, or compile without capture.',
        );
  }

  private checkAliases(fed: ReadonlyMap<string, BaseTensor>, given: ReadonlyMap<string, BaseTensor>): void {
    const taken = new Map<BaseTensor, string>();
    for (const [name, tensor] of fed) taken.set(tensor, `input "${name}"`);
    for (const [name, tensor] of given) {
      const other = taken.get(tensor);
      if (other)
        throw new RuntimeError(
          `${this.name}: output "${name}" is the same tensor as ${other}`,
          'Swap two tensors instead.',
        );
      taken.set(tensor, `output "${name}"`);
    }
  }
}
