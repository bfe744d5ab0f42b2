/**
 * Sessions over ONNX models that were made elsewhere. Their shapes are unknown before they run, and they have
 * more types than our graphs, so tensors are plain values in host memory.
 */
import { BUG, RuntimeError } from '../base/errors';
import { showShape, sizeOf } from '../base/shape';
import { runtimeFailure } from './failure';
import type { LateFile } from './late-file';
import type { Ort } from './ort';
import { enqueue } from './queue';
import { openSession, type SessionOwner } from './session';

/** A value in host memory; float16 as bits. */
export type FileTensor = { readonly shape: readonly number[] } & (
  | { readonly type: 'float32'; readonly data: Float32Array }
  | { readonly type: 'float16'; readonly data: Uint16Array }
  | { readonly type: 'int64'; readonly data: BigInt64Array }
);

export interface ModelFileOptions {
  /** The model; weights in other files are read through `files`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By location, as named in the model. */
  readonly files: ReadonlyMap<string, LateFile>;
  /** Shown in errors. */
  readonly label: string;
}

/** A model on the execution provider. Whoever opened it must dispose of it, once. */
export interface ModelFile {
  readonly label: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs it after all earlier runs in this realm.
   * @param wanted the outputs to return
   * @throws RuntimeError naming what does not fit, LostDeviceError, MemoryError, TooLargeError
   */
  run(
    inputs: Readonly<Record<string, FileTensor>>,
    wanted: readonly string[],
  ): Promise<Record<string, FileTensor>>;
  dispose(): Promise<void>;
}

/** What a model file needs from its runtime. */
export interface ModelFileOwner extends SessionOwner {
  readonly ended: boolean;
  closed(file: ModelFile): void;
}

/** What to do about a file that ONNX Runtime does not take: nothing here would change it. */
const OTHER =
  'Choose another export of the model (fp32, fp16, q8 or q4), or write this one again. If onnxruntime in Python takes it, it uses what the browser’s build lacks.';

/** Opens a model. On WebGPU, nodes without a kernel there run on the CPU. @throws RuntimeError if it is refused */
export async function createModelFile(
  ort: typeof Ort,
  owner: ModelFileOwner,
  { bytes, files, label }: ModelFileOptions,
): Promise<ModelFile> {
  return enqueue(async () => {
    const model = { label, bytes: () => bytes, files, hint: OTHER };
    // Failures are thrown, and nodes that run on the CPU deserve no warning for a model that others made.
    const options = { graphOptimizationLevel: 'all', logSeverityLevel: 4 } as const;
    return new OrtModelFile(ort, owner, await openSession(ort, owner, model, options), label);
  });
}

class OrtModelFile implements ModelFile {
  private disposed = false;

  constructor(
    private readonly ort: typeof Ort,
    private readonly owner: ModelFileOwner,
    private readonly session: Ort.InferenceSession,
    readonly label: string,
  ) {}

  get inputs(): readonly string[] {
    return this.session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.session.outputNames;
  }

  async run(
    inputs: Readonly<Record<string, FileTensor>>,
    wanted: readonly string[],
  ): Promise<Record<string, FileTensor>> {
    this.check(inputs, wanted);
    const feeds: Record<string, Ort.Tensor> = {};
    for (const [name, { type, data, shape }] of Object.entries(inputs))
      feeds[name] = new this.ort.Tensor(type, data as never, shape);
    return enqueue(async () => {
      if (this.disposed) throw this.gone();
      this.owner.device?.assertAlive();
      let results: Record<string, Ort.Tensor>;
      try {
        results = (await this.session.run(feeds, [...wanted])) as Record<string, Ort.Tensor>;
      } catch (cause) {
        await this.owner.device?.assertAliveAfterFailure();
        throw runtimeFailure(`${this.label}: the run failed`, cause, OTHER);
      }
      this.owner.device?.assertAlive();
      return Object.fromEntries(wanted.map((name) => [name, this.value(name, results[name])]));
    });
  }

  async dispose(): Promise<void> {
    if (this.disposed) {
      if (this.owner.ended) return;
      throw new RuntimeError(`${this.label} was disposed of twice`, BUG);
    }
    this.disposed = true;
    this.owner.closed(this);
    await enqueue(() => this.session.release());
  }

  private gone(): RuntimeError {
    return new RuntimeError(`${this.label} was run after it had been disposed of`, BUG);
  }

  private check(inputs: Readonly<Record<string, FileTensor>>, wanted: readonly string[]): void {
    if (this.disposed) throw this.gone();
    for (const name of this.inputs)
      if (!Object.hasOwn(inputs, name))
        throw new RuntimeError(`${this.label}: the input "${name}" is missing`, BUG);
    for (const [name, { data, shape }] of Object.entries(inputs)) {
      if (!this.inputs.includes(name)) throw new RuntimeError(`${this.label} has no input "${name}"`, BUG);
      if (data.length !== sizeOf(shape))
        throw new RuntimeError(
          `${this.label}: the input "${name}" ${showShape(shape)} has ${data.length} elements`,
          BUG,
        );
    }
    for (const name of wanted)
      if (!this.outputs.includes(name)) throw new RuntimeError(`${this.label} has no output "${name}"`, BUG);
  }

  /** ONNX Runtime returns float16 as Float16Array where that exists. */
  private value(name: string, tensor: Ort.Tensor | undefined): FileTensor {
    const { type, dims, data } = tensor as Ort.Tensor;
    if (type === 'float32' || type === 'int64') return { type, shape: dims, data } as FileTensor;
    if (type !== 'float16')
      throw new RuntimeError(
        `${this.label}: the output "${name}" is ${type}; float32 or float16 is expected`,
        OTHER,
      );
    const { buffer, byteOffset, byteLength } = data as Uint16Array<ArrayBuffer>;
    return { type, shape: dims, data: new Uint16Array(buffer, byteOffset, byteLength / 2) };
  }
}
