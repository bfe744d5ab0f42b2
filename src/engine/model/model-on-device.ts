import { RuntimeError } from '../base/errors';
import type { Program } from '../graph/graph';
import type { DecoderConfig } from '../nn/config';
import { memorySource, type WeightSource } from '../nn/weight-source';
import type { Weights } from '../nn/weights';
import type { Binding } from '../runtime/executable';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { bytesOf, chunked, DeviceWeights, MAX_MATRIX_BYTES } from './device-weights';
import { type FedEmbedding, fedEmbedding } from './fed-embeddings';
import { ProgramCache } from './program-cache';
import { type ModelProgram, type Resident, ResidentProgram } from './resident-program';

export type { ModelProgram };

/**
 * Bytes, as f32, of the largest model whose weights ONNX Runtime packs on WASM: a product of one row then
 * takes 40 % of the time, but the weights exist twice while a session is created. A larger model is left as
 * it is, at 1.05 times its size.
 */
export const MAX_PREPACKED_BYTES = 768 * 2 ** 20;
/** Bytes a session takes on WASM for each byte of its model: packed, and as it is. */
export const SESSION_FACTOR = { packed: 1.25, plain: 1.05 } as const;
/**
 * Bytes that all programs of a small model may take together before idle ones are released; a larger model
 * may keep three programs: those that read a prompt, feed a token and choose the next.
 */
export const MAX_PROGRAM_BYTES = 512 * 2 ** 20;
export const MAX_IDLE_BYTES = 1.25 * 2 ** 30;
/**
 * Bytes that all programs of one model may take together before those are released that are in use but not
 * running; at least what holds all of its weights once, which choosing the next token takes. The heap of WASM
 * has 4 GiB, and activations need their share: two thirds of a model with half a billion parameters are in
 * one program, so that only one such program exists at a time.
 */
export const MAX_RESIDENT_BYTES = 2.2 * 2 ** 30;
/**
 * Largest embedding or head that is bound or baked as one tensor, and largest chunk otherwise: half of what every WebGPU
 * adapter must be able to bind.
 */
export const MAX_VOCABULARY_BYTES = 64 * 2 ** 20;

export interface ModelOptions {
  /** Whether weights are bound to programs rather than part of them. Default: on WebGPU. */
  readonly bind?: boolean;
  /** Default `MAX_PREPACKED_BYTES`. */
  readonly maxPrepackedBytes?: number;
  /** Default `MAX_PROGRAM_BYTES`, or more for a larger model. */
  readonly maxProgramBytes?: number;
  /** Default `MAX_RESIDENT_BYTES`. */
  readonly maxResidentBytes?: number;
  /**
   * Default `MAX_VOCABULARY_BYTES`, `MAX_MATRIX_BYTES` for a head in fewer bits, or what the device can bind
   * if that is less.
   */
  readonly maxVocabularyBytes?: number;
  /**
   * Bytes, as float32, of a layer's matrix that is bound in one piece. Default what the device can bind, or
   * `MAX_MATRIX_BYTES` of one in fewer bits if that is less.
   */
  readonly maxMatrixBytes?: number;
}

/** A program's memory requirements. */
export interface ProgramNeeds {
  /** Bytes that other programs may take while it runs, if it needs the rest itself. */
  readonly beside?: number | undefined;
  /** Whether ONNX Runtime packs its weights on WASM; by default this depends on the model's size. */
  readonly prepack?: boolean;
}

/** How often weights were uploaded to the device, for tests and reports. */
export interface WeightTraffic {
  /** Tensors uploaded, and their bytes as f32. */
  readonly uploads: number;
  readonly uploadedBytes: number;
  /** Programs created with weights of their own, and the bytes of all their models. */
  readonly bakes: number;
  readonly bakedBytes: number;
}

let ids = 0;

/**
 * One model on the execution provider: its weights, and the programs compiled over them. Weights go from
 * their source to the device tensor by tensor, and host memory keeps no copy. On WebGPU every tensor is
 * uploaded once, when the first program that reads it is compiled, and bound by all programs. WASM copies
 * what is bound at every run, so there each program has its own. Of a large embedding only the rows that a
 * run needs are fed.
 *
 * Equal programs are compiled once. Idle programs are kept within `maxProgramBytes`, and all within
 * `maxResidentBytes`, the least recently used being released first. Every user of the model holds it; the
 * last `release` frees weights and programs.
 */
export class ModelOnDevice {
  /** The configuration to trace programs from, with the size of the vocabulary's chunks if there are several. */
  readonly config: DecoderConfig;
  private readonly id = `model ${++ids}`;
  private readonly weights: DeviceWeights;
  private readonly programs: ProgramCache;
  private readonly bakes: boolean;
  private readonly prepack: boolean;
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
    const wasm = runtime.provider === 'wasm';
    const { bind = !wasm, maxPrepackedBytes = MAX_PREPACKED_BYTES } = options;
    this.bakes = !bind;
    const size = bytesOf(source, this.bakes ? config.storage : undefined);
    this.prepack = size <= maxPrepackedBytes;
    // With some extra for the programs' own bytes.
    const once = 1.02 * SESSION_FACTOR.plain * size;
    const three = Math.min(3 * SESSION_FACTOR.packed * size, MAX_IDLE_BYTES);
    const {
      maxProgramBytes = Math.max(MAX_PROGRAM_BYTES, three),
      maxResidentBytes = Math.max(MAX_RESIDENT_BYTES, once),
    } = options;
    this.programs = new ProgramCache({ idle: maxProgramBytes, resident: maxResidentBytes });
    const isPacked = bind && config.storage !== undefined;
    const usual = isPacked ? MAX_MATRIX_BYTES : MAX_VOCABULARY_BYTES;
    const { maxVocabularyBytes = Math.min(usual, runtime.maxTensorBytes) } = options;
    const { maxMatrixBytes } = options;
    const inChunks = chunked(config, maxVocabularyBytes);
    const isLarge = inChunks.vocabularyRows !== undefined;
    this.config = isLarge ? { ...inChunks, fedEmbeddings: true } : inChunks;
    this.weights = new DeviceWeights(runtime, this.config, source, maxMatrixBytes && maxMatrixBytes / 4);
  }

  get traffic(): WeightTraffic {
    return { ...this.weights.traffic, ...this.counts };
  }

  /** Number of programs kept or in use. */
  get programCount(): number {
    return this.programs.size;
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
   * Compiles a program that reads weights under the names of `WeightSource`, or of its chunks
   * (`w.embedding.0`). A program shared by layers reads `w.{name}` of whichever layer is bound with
   * `layer(i)`.
   */
  async compile(program: Program, needs: ProgramNeeds = {}): Promise<ModelProgram> {
    const load = (): Promise<Resident> => this.load(program, needs);
    return new ResidentProgram(await load(), load, this.runtime, this.source);
  }

  private async load(program: Program, { beside, prepack = this.prepack }: ProgramNeeds): Promise<Resident> {
    this.alive();
    const factor = prepack ? SESSION_FACTOR.packed : SESSION_FACTOR.plain;
    const executable = await this.runtime.compile(program, {
      ...(this.bakes && { bake: (name) => this.weights.late(name) }),
      parts: (name, shape) => this.weights.parts(name, shape),
      weights: this.id,
      prepack,
      onCreate: async (length) => {
        await this.programs.makeRoom(factor * length);
        if (!this.bakes) return;
        this.counts.bakes++;
        this.counts.bakedBytes += length;
      },
    });
    const bytes = factor * executable.bytes;
    const hold = await this.programs.hold(executable, bytes, beside);
    const weights: Record<string, DeviceTensor> = {};
    const inputs = new Map<string, Binding>();
    const fed: FedEmbedding[] = [];
    try {
      this.alive();
      for (const [name, binding] of executable.inputs) {
        const tensor = this.weights.tensor(name);
        const embedding = fedEmbedding(name, binding);
        if (tensor) weights[name] = tensor;
        else if (embedding) {
          fed.push(embedding);
          inputs.set(embedding.ids, { dtype: 'i32', shape: [embedding.rows] });
        } else inputs.set(name, binding);
      }
    } catch (error) {
      await hold.release();
      if (this.users <= 0) await this.programs.dispose();
      throw error;
    }
    return { hold, bytes, weights, inputs, fed };
  }

  /** Weights of layer i under the names of a program shared by layers: `w.{name}`. The model still owns them. */
  layer(i: number): Readonly<Record<string, DeviceTensor>> {
    this.alive();
    return this.weights.layer(i);
  }

  private alive(): void {
    if (this.users <= 0)
      throw new RuntimeError('the model was used after it had been freed', 'Open the model again.');
  }
}
