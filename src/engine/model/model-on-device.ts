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
 * copied, and a step of the bundled pair takes half as long as with bound ones; but a session takes about twice their
 * size, and the heap is limited to 4 GiB. Above this limit WASM binds one copy, which ONNX Runtime copies at every run.
 */
export const MAX_BAKED_BYTES = 768 * 2 ** 20;
/** Bytes a session takes for each byte of its model: ONNX Runtime's copy, and the packed one. */
const SESSION_FACTOR = 2;
/** Bytes that all programs of one model may take together before idle ones are released. */
export const MAX_PROGRAM_BYTES = 512 * 2 ** 20;
/**
 * Largest embedding or head that is bound or baked as one tensor, and largest chunk otherwise: half of what every WebGPU
 * adapter must be able to bind.
 */
export const MAX_VOCABULARY_BYTES = 64 * 2 ** 20;

/** A compiled program that already has the model's weights: only the other inputs are bound for a run. */
export interface ModelProgram extends Pick<Executable, 'name' | 'outputs' | 'run'> {
  /** Without weights. */
  readonly inputs: Executable['inputs'];
  readonly executable: Executable;
  /** Estimated bytes of its session. */
  readonly bytes: number;
  /** Returns the program; while there is room it is kept for the next caller that compiles an equal one. */
  dispose(): Promise<void>;
}

export interface ModelOptions {
  /** Default `MAX_BAKED_BYTES`. */
  readonly maxBakedBytes?: number;
  /** Default `MAX_PROGRAM_BYTES`. */
  readonly maxProgramBytes?: number;
  /** Default `MAX_VOCABULARY_BYTES`, or what the device can bind if that is less. */
  readonly maxVocabularyBytes?: number;
}

/** How often weights were sent to the device, for tests and reports. */
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
 * One model on the execution provider: its weights, and the programs compiled over them. On WebGPU every tensor is uploaded
 * once, when the first program that reads it is compiled, and bound by all programs. On WASM weights up to
 * `MAX_BAKED_BYTES` are baked into each distinct program instead, and bound as on WebGPU above that.
 *
 * Equal programs are compiled once. Idle programs are kept within `maxProgramBytes`, the least recently used being
 * released first. Every user of the model holds it: the last `release` frees weights and programs.
 */
export class ModelOnDevice {
  /** The configuration to trace programs from, with the size of the vocabulary's chunks if there are several. */
  readonly config: DecoderConfig;
  private readonly id = `model ${++ids}`;
  private readonly weights: DeviceWeights;
  private readonly programs: ProgramCache;
  private readonly bakes: boolean;
  private readonly counts = { bakes: 0, bakedBytes: 0 };
  private users = 1;

  /** Where its weights are read from. */
  readonly source: WeightSource;

  /** The caller is its first user. @param weights in host memory, or behind a source */
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

  /** Number of programs kept or in use, and the bytes they take, estimated. */
  get programCount(): number {
    return this.programs.size;
  }
  get programBytes(): number {
    return this.programs.bytes;
  }

  /** Adds a user. @throws RuntimeError if the last one has released it */
  retain(): this {
    this.alive();
    this.users++;
    return this;
  }

  /** `release` under the name that `Owned` calls. */
  dispose(): Promise<void> {
    return this.release();
  }

  /** Removes a user; the last one frees weights and programs. Resolves when they are gone. */
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

  /** Weights of layer i under the names of a program shared by layers: `w.{name}`. The model keeps owning them. */
  layer(i: number): Readonly<Record<string, DeviceTensor>> {
    this.alive();
    return this.weights.layer(i);
  }

  private alive(): void {
    if (this.users <= 0)
      throw new RuntimeError('the model was used after it had been freed', 'Open the model again.');
  }
}
