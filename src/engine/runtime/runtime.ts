import type {
  BoundDType,
  HalfDType,
  HalfHostTensor,
  HostData,
  HostTensor,
  PackedHostTensor,
} from '../base/dtype';
import { BUG, RuntimeError } from '../base/errors';
import { graphTensor, isHalf } from '../base/half';
import { sha256Hex } from '../base/sha256';
import { type Shape, showShape, sizeOf } from '../base/shape';
import type { DeviceBuffer } from '../device/buffer';
import type { Device } from '../device/device';
import type { Program } from '../graph/graph';
import { type EmitOptions, type Emitted, emitted, type LateWeight, type Provider } from '../onnx/emit';
import { type Binding, type Executable, type ExecutableOwner, OrtExecutable } from './executable';
import { weightFiles } from './late-file';
import { createModelFile, type ModelFile, type ModelFileOptions, type ModelFileOwner } from './model-file';
import { loadOrt, type Ort, type WasmPaths } from './ort';
import { enqueue } from './queue';
import { openSession } from './session';
import { type BaseTensor, CpuTensor, type DeviceTensor, GpuTensor, type TensorOwner } from './tensor';

export type { LateWeight };

/**
 * Uploads 16-bit values as they are and converts them to float32 on the runtime's device; the caller owns the buffer.
 * Made by `createHalfUpload` in the kernels, which the runtime may not import.
 */
export type HalfUpload = (values: Uint16Array, dtype: HalfDType, label: string) => DeviceBuffer;

export interface RuntimeOptions {
  readonly provider: Provider;
  /** The GPU to run on: required by the webgpu provider, and by no other. The caller still owns it. */
  readonly device?: Device;
  /** For the webgpu provider; without it, 16-bit weights are widened in host memory, to the same bits. */
  readonly uploadHalves?: HalfUpload;
  /** For the WASM provider; one pool per realm. Default: two where threads are available, otherwise one. */
  readonly threads?: number;
  /** Browser only: `wasmPaths` of assets.ts. */
  readonly wasmPaths?: WasmPaths;
}

export interface CompileOptions {
  /**
   * Inputs fixed at compilation, so that WASM does not copy them at every run; widened if they are stored in
   * 16 bits. Values are read tensor by tensor while the session is created, and not kept in host memory.
   */
  readonly bake?:
    | Readonly<Record<string, HostTensor>>
    | ((name: string) => LateWeight | HostTensor | undefined);
  /**
   * Whether ONNX Runtime keeps baked weights in the layout its products read fastest: a product of one row
   * takes half the time, but each weight exists twice while the session is created. Default: true. WASM only.
   */
  readonly prepack?: boolean;
  /**
   * Names the weights that `bake` reads. Programs with the same graph and this same name count as equal, so
   * that no baked value needs to be written or hashed to compare them; without it the whole model is hashed.
   */
  readonly weights?: string;
  /** Matrices that are bound in parts, see `EmitOptions.parts`. */
  readonly parts?: EmitOptions['parts'];
  /** Awaited before a session is created, but not if an equal program is alive. @param bytes of the emitted model */
  readonly onCreate?: (bytes: number) => Promise<void> | void;
  /**
   * Every run will bind the same tensors, all outputs included: on WebGPU its commands are then recorded once and
   * replayed, which cuts the CPU's share from 16 to 0.6 µs per node. Such programs are not shared.
   */
  readonly capture?: boolean;
  /** Shown in errors instead of the program's name. */
  readonly label?: string;
}

/** Programs and tensors of one execution provider. */
export interface Runtime {
  readonly provider: Provider;
  readonly threads: number;
  /** Distinct programs alive: equal ones are compiled once. */
  readonly programCount: number;
  /** Tensors not yet disposed of. */
  readonly liveTensors: number;
  /** Values read back so far. */
  readonly readCount: number;
  /** Milliseconds spent creating sessions so far. */
  readonly compileTime: number;
  /** Largest tensor that can be bound to a program. */
  readonly maxTensorBytes: number;
  compile(program: Program, options?: CompileOptions): Promise<Executable>;
  /** An f32 tensor if the value is stored in 16 bits; otherwise one of the value's own type. */
  upload(host: HostTensor | PackedHostTensor, label?: string): DeviceTensor;
  empty(dtype: BoundDType, shape: Shape, label?: string): DeviceTensor;
  /** Opens an ONNX model that was made elsewhere. */
  openModelFile(options: ModelFileOptions): Promise<ModelFile>;
  /** Releases all sessions and frees all remaining tensors. */
  dispose(): Promise<void>;
}

/**
 * Starts ONNX Runtime on a provider.
 * @throws RuntimeError if the device is missing or the realm already runs with another number of threads
 */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { provider, device, uploadHalves } = options;
  if ((provider === 'webgpu') !== (device !== undefined))
    throw new RuntimeError(`the ${provider} provider ${device ? 'takes no' : 'needs a'} device`, BUG);
  device?.assertAlive();
  const { ort, threads } = await loadOrt(options.threads, options.wasmPaths);
  return new OrtRuntime(ort, provider, device, threads, uploadHalves);
}

/** Number of nodes above which ONNX Runtime's own optimisation costs more (it doubles creation) than it saves (< 5 %). */
const LARGE = 4000;

/** For one tensor on WASM: addresses have 32 bits, and the distance between two in one array is signed. */
const MAX_HOST_TENSOR_BYTES = 2 ** 31 - 1;

class OrtRuntime implements Runtime, ExecutableOwner, TensorOwner, ModelFileOwner {
  private readonly programs = new Map<string, Promise<OrtExecutable>>();
  private readonly tensors = new Set<BaseTensor>();
  private readonly files = new Set<ModelFile>();
  private captures = 0;
  ended = false;
  readCount = 0;
  compileTime = 0;

  constructor(
    private readonly ort: typeof Ort,
    readonly provider: Provider,
    readonly device: Device | undefined,
    readonly threads: number,
    private readonly uploadHalves: HalfUpload | undefined,
  ) {}

  get programCount(): number {
    return this.programs.size;
  }

  get liveTensors(): number {
    return this.tensors.size;
  }

  get maxTensorBytes(): number {
    const limits = this.device?.limits;
    return limits
      ? Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize)
      : MAX_HOST_TENSOR_BYTES;
  }

  async compile(
    program: Program,
    { bake, parts, weights, onCreate, capture = false, prepack = true, label }: CompileOptions = {},
  ): Promise<Executable> {
    this.alive();
    const name = label ?? program.name;
    const model = emitted(program, { provider: this.provider, bake: bakeOf(bake), parts });
    const key = capture ? `captured ${this.captures++}` : await keyOf(model, weights, prepack);
    const known = this.programs.get(key);
    if (known) {
      const executable = await known;
      if (executable.references > 0) {
        executable.references++;
        return executable;
      }
    }
    const create = async () => {
      const start = performance.now();
      const session = await this.createSession(name, model, capture, prepack);
      this.compileTime += performance.now() - start;
      const bindings = (tensors: Iterable<readonly [string, Binding]>) =>
        new Map([...tensors].map(([at, { dtype, shape }]) => [at, { dtype, shape }] as const));
      const inputs = bindings(model.inputs.map((x) => [x.name, x] as const));
      return new OrtExecutable(
        this,
        session,
        key,
        capture,
        name,
        model.nodeCount,
        model.length,
        inputs,
        bindings(Object.entries(program.outputs)),
      );
    };
    const made = (async () => {
      await onCreate?.(model.length);
      return enqueue(create);
    })();
    this.programs.set(key, made);
    try {
      return await made;
    } catch (error) {
      if (this.programs.get(key) === made) this.programs.delete(key);
      throw error;
    }
  }

  upload(host: HostTensor | PackedHostTensor, label = 'upload'): DeviceTensor {
    if (isHalf(host)) return this.uploadHalf(host, label);
    const tensor = this.empty(host.dtype, host.shape, label);
    try {
      tensor.write(host.data);
    } catch (error) {
      tensor.dispose();
      throw error;
    }
    return tensor;
  }

  private uploadHalf(host: HalfHostTensor, label: string): DeviceTensor {
    this.alive();
    const { dtype, shape, data } = host;
    if (data.length !== sizeOf(shape))
      throw new RuntimeError(
        `tensor "${label}" ${dtype} ${showShape(shape)} needs ${sizeOf(shape)} elements, got ${data.length}`,
        BUG,
      );
    const { device, uploadHalves } = this;
    if (device && uploadHalves && data.length > 0)
      return this.track(
        new GpuTensor(this, this.ort, device, 'f32', [...shape], label, uploadHalves(data, dtype, label)),
      );
    const wide = graphTensor(host);
    // In host memory the tensor takes over the copy just made.
    return device ? this.upload(wide, label) : this.adopt('f32', [...shape], label, wide.data);
  }

  empty(dtype: BoundDType, shape: Shape, label = 'empty'): BaseTensor {
    this.alive();
    const { device } = this;
    return this.track(
      device
        ? new GpuTensor(this, this.ort, device, dtype, [...shape], label)
        : new CpuTensor(this, this.ort, dtype, [...shape], label),
    );
  }

  adopt(dtype: BoundDType, shape: Shape, label: string, data: unknown): BaseTensor {
    return this.track(new CpuTensor(this, this.ort, dtype, shape, label, data as HostData));
  }

  owns(tensor: BaseTensor): boolean {
    return this.tensors.has(tensor);
  }

  disposed(tensor: BaseTensor): void {
    this.tensors.delete(tensor);
  }

  read(): void {
    this.readCount++;
  }

  async openModelFile(options: ModelFileOptions): Promise<ModelFile> {
    this.alive();
    const file = await createModelFile(this.ort, this, options);
    this.files.add(file);
    if (this.ended) await file.dispose();
    this.alive();
    return file;
  }

  closed(file: ModelFile): void {
    this.files.delete(file);
  }

  released(executable: OrtExecutable): Promise<void> {
    this.programs.delete(executable.key);
    return executable.release();
  }

  async dispose(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    const all = await Promise.allSettled(this.programs.values());
    for (const made of all)
      if (made.status === 'fulfilled' && made.value.references > 0) await made.value.release();
    this.programs.clear();
    for (const file of [...this.files]) await file.dispose();
    await enqueue(async () => undefined);
    for (const tensor of [...this.tensors]) tensor.dispose();
  }

  private track(tensor: BaseTensor): BaseTensor {
    this.tensors.add(tensor);
    return tensor;
  }

  private alive(): void {
    if (this.ended) throw new RuntimeError('the runtime was used after it had been disposed of', BUG);
  }

  private createSession(
    name: string,
    model: Emitted,
    capture: boolean,
    prepack: boolean,
  ): Promise<Ort.InferenceSession> {
    return openSession(
      this.ort,
      this,
      {
        label: `${name} (${model.nodeCount} nodes)`,
        bytes: () => model.bytes(),
        files: weightFiles(model.external),
      },
      {
        graphOptimizationLevel: model.nodeCount > LARGE ? 'disabled' : 'basic',
        ...(this.device &&
          capture && { enableGraphCapture: true, preferredOutputLocation: 'gpu-buffer' as const }),
        extra: {
          session: {
            // A node without a WebGPU kernel is a bug of ours, not something to run slowly on the CPU.
            ...(this.device && { disable_cpu_ep_fallback: '1' }),
            ...(!prepack && { disable_prepacking: '1' }),
          },
        },
      },
    );
  }
}

/** A look-up by name that ignores the names of Object.prototype. */
const bakeOf = (bake: CompileOptions['bake']): EmitOptions['bake'] =>
  bake === undefined || typeof bake === 'function'
    ? bake
    : (name) => (Object.hasOwn(bake, name) ? bake[name] : undefined);

/** Equal for equal programs over equal weights in the same layout. */
async function keyOf(model: Emitted, weights: string | undefined, prepack: boolean): Promise<string> {
  if (model.baked.length === 0) return sha256Hex(model.bytes());
  const form = prepack ? 'prepacked' : 'plain';
  const names = `${form} ${model.baked.join(' ')}`;
  if (weights !== undefined) return `${weights} ${names} ${await sha256Hex(model.skeleton)}`;
  const parts = [await sha256Hex(model.bytes())];
  for (const { length, write } of model.external) {
    const values = new Uint8Array(length);
    write(values);
    parts.push(await sha256Hex(values));
  }
  return `${names} ${parts.join(' ')}`;
}
