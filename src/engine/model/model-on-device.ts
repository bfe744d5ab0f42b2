import { RuntimeError } from '../base/errors';
import type { Program } from '../graph/graph';
import type { DecoderConfig } from '../nn/config';
import { memorySource, type WeightSource } from '../nn/weight-source';
import type { Weights } from '../nn/weights';
import type { Binding, Executable } from '../runtime/executable';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { bytesOf, chunked, DeviceWeights } from './device-weights';
import { ProgramCache } from './program-cache';

/**
 * Largest model, as f32, that is baked into each of its programs on WASM. Baked weights are packed once and never
 * copied, and a step of the bundled pair takes half the time it takes with bound ones; but a session holds about twice
 * their size, and the heap ends at 4 GiB. Above this limit WASM binds one copy, which ONNX Runtime copies at every run.
 */
export const MAX_BAKED_BYTES = 768 * 2 ** 20;
/** Bytes a session takes for each byte of its model: ONNX Runtime's copy, and the packed one. */
const SESSION_FACTOR = 2;
/** What all programs of one model may take together before idle ones are released. */
export const MAX_PROGRAM_BYTES = 512 * 2 ** 20;
/**
 * Largest tensor of the embedding or the head that is bound or baked whole, and so the largest [n, V] chunk's share of
 * work: half of what every WebGPU adapter must bind.
 */
export const MAX_VOCABULARY_BYTES = 64 * 2 ** 20;

/** A compiled program that already has the model's weights: only the other inputs are bound at a run. */
export interface ModelProgram {
  readonly name: string;
  /** Without weights. */
  readonly inputs: ReadonlyMap<string, Binding>;
  readonly outputs: ReadonlyMap<string, Binding>;
  readonly executable: Executable;
  /** Bytes its session is reckoned to take. */
  readonly bytes: number;
  /** As `Executable.run`. */
  run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    outputs?: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>>;
  /** Gives the program back; it is kept for the next who compiles an equal one while there is room. */
  dispose(): Promise<void>;
}

export interface ModelOptions {
  /** Default `MAX_BAKED_BYTES`. */
  readonly maxBakedBytes?: number;
  /** Default `MAX_PROGRAM_BYTES`. */
  readonly maxProgramBytes?: number;
  /** Default `MAX_VOCABULARY_BYTES`, or what the device can bind where that is less. */
  readonly maxVocabularyBytes?: number;
}

/** How often weights went to the device: what a test or a report may ask. */
export interface WeightTraffic {
  /** Tensors uploaded, and their bytes as f32. */
  readonly uploads: number;
  readonly uploadedBytes: number;
  /** Programs created with weights baked in, and the bytes of all their models. */
  readonly bakes: number;
  readonly bakedBytes: number;
}

let ids = 0;

/**
 * One model where programs run: its weights, and the programs compiled over them. On WebGPU every tensor is uploaded
 * once, when the first program that reads it is compiled, and bound by all programs. On WASM weights up to
 * `MAX_BAKED_BYTES` are baked into each distinct program instead, and bound as on WebGPU above that.
 *
 * Equal programs are compiled once. Programs that nobody uses are kept, the most recently used ones, within
 * `maxProgramBytes`. Whoever uses the model holds it: the last `release` frees weights and programs.
 */
export class ModelOnDevice {
  /** What programs over this model are traced from: with the size of its vocabulary's chunks, where it has several. */
  readonly config: DecoderConfig;
  private readonly id = `model ${++ids}`;
  private readonly weights: DeviceWeights;
  private readonly programs: ProgramCache;
  private readonly bakes: boolean;
  private readonly counts = { bakes: 0, bakedBytes: 0 };
  private users = 1;

  /** Where its weights are read. */
  readonly source: WeightSource;

  /** The caller is its first user. @param weights in host memory, or wherever a source reads them */
  constructor(
    readonly runtime: Runtime,
    config: DecoderConfig,
    weights: Weights | WeightSource,
    options: ModelOptions = {},
  ) {
    const source = 'tensors' in weights ? weights : memorySource(weights);
    this.source = source;
    const { maxBakedBytes = MAX_BAKED_BYTES, maxProgramBytes = MAX_PROGRAM_BYTES } = options;
    this.bakes = runtime.provider === 'wasm' && bytesOf(source) <= maxBakedBytes;
    this.programs = new ProgramCache(maxProgramBytes);
    const { maxVocabularyBytes = Math.min(MAX_VOCABULARY_BYTES, runtime.maxTensorBytes) } = options;
    this.config = chunked(config, maxVocabularyBytes);
    this.weights = new DeviceWeights(runtime, this.config, source);
  }

  get traffic(): WeightTraffic {
    return { ...this.weights.traffic, ...this.counts };
  }

  /** Programs kept or in use, and the bytes they are reckoned to take. */
  get programCount(): number {
    return this.programs.size;
  }
  get programBytes(): number {
    return this.programs.bytes;
  }

  /** One more user. @throws RuntimeError where the last one has released it */
  retain(): this {
    this.alive();
    this.users++;
    return this;
  }

  /** As `release`, for what is owned together. */
  dispose(): Promise<void> {
    return this.release();
  }

  /** One user fewer; with the last one weights and programs go. Resolves when they are gone. */
  async release(): Promise<void> {
    this.alive();
    if (--this.users > 0) return;
    await this.programs.dispose();
    await this.weights.dispose();
  }

  /**
   * Compiles a program that reads weights under the names of `WeightSource`, or of its chunks (`w.embedding.0`). A
   * program shared by layers reads `w.{name}` of whichever layer `layer(i)` is bound.
   */
  async compile(program: Program): Promise<ModelProgram> {
    this.alive();
    const executable = await this.runtime.compile(program, {
      bake: this.bakes ? (name) => this.weights.value(name) : undefined,
      weights: this.id,
      onCreate: async (length) => {
        await this.programs.makeRoom(SESSION_FACTOR * length);
        if (!this.bakes) return;
        this.counts.bakes++;
        this.counts.bakedBytes += length;
      },
    });
    const bytes = SESSION_FACTOR * executable.bytes;
    const release = await this.programs.hold(executable, bytes);
    const weights: Record<string, DeviceTensor> = {};
    const inputs = new Map<string, Binding>();
    try {
      this.alive();
      for (const [name, binding] of executable.inputs) {
        const tensor = this.weights.tensor(name);
        if (tensor) weights[name] = tensor;
        else inputs.set(name, binding);
      }
    } catch (error) {
      await release();
      if (this.users <= 0) await this.programs.dispose();
      throw error;
    }
    return {
      name: executable.name,
      inputs,
      outputs: executable.outputs,
      executable,
      bytes,
      run: (bound, outputs) => executable.run({ ...weights, ...bound }, outputs),
      dispose: release,
    };
  }

  /** Weights of layer i under the names of a program shared by layers: `w.{name}`. They stay the model's. */
  layer(i: number): Readonly<Record<string, DeviceTensor>> {
    this.alive();
    return this.weights.layer(i);
  }

  private alive(): void {
    if (this.users <= 0)
      throw new RuntimeError('the model was used after it had been freed', 'Open the model again.');
  }
}
