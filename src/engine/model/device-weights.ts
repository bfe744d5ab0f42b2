import { boundRows } from '../base/blocked-values';
import { DTYPE_BYTES, type HostData } from '../base/dtype';
import { TooLargeError } from '../base/errors';
import { floatsOf } from '../base/half';
import {
  type BoundForm,
  boundBits,
  boundParts,
  formOf,
  type KeptAs,
  keptBytes,
  rowsOfPiece,
  WORD_ROWS,
} from '../base/kept';
import { Owned } from '../base/owned';
import { type Shape, sizeOf } from '../base/shape';
import type { DecoderConfig } from '../nn/config';
import { LAYER_PREFIX } from '../nn/programs/layer';
import type { WeightSource } from '../nn/weight-source';
import { layerPrefix, layerShapes, vocabularyChunk } from '../nn/weights';
import type { LateWeight, Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';

/**
 * Bytes as float32 of the largest matrix of a layer, or chunk of a head, that is bound in one piece if stored in fewer
 * bits: of 16 bits, each byte exists as float32, beside their sum, while a product reads it, and ONNX Runtime
 * keeps such buffers by size.
 */
export const MAX_MATRIX_BYTES = 32 * 2 ** 20;
/**
 * Bits of a head in chunks if the layers' matrices are stored in fewer than 32 bits and weights are bound.
 */
const HEAD_BITS = 16;
/** Number of a matrix's values that are computed at a time. */
const PIECE = 2 ** 22;
/** Bytes of a value as read by programs. */
const F32 = Float32Array.BYTES_PER_ELEMENT;

/** Bytes as float32 of the largest matrix of a layer that is bound in one piece: in fewer bits, or all that can be bound. */
const largestMatrix = (runtime: Runtime, { storage }: DecoderConfig): number =>
  storage ? Math.min(MAX_MATRIX_BYTES, runtime.maxTensorBytes) : runtime.maxTensorBytes;

/**
 * The weights of one model on the device: each is uploaded on first use, and stays. A layer's matrix of more than `most` values
 * is bound in pieces of rows, and those in fewer bits are computed `piece` values at a time.
 */
export class DeviceWeights {
  private readonly owned = new Owned();
  private readonly tensors = new Map<string, DeviceTensor>();
  private readonly layers = new Map<number, Readonly<Record<string, DeviceTensor>>>();
  private readonly counts = { uploads: 0, uploadedBytes: 0 };

  constructor(
    private readonly runtime: Runtime,
    private readonly config: DecoderConfig,
    private readonly source: WeightSource,
    private readonly most = largestMatrix(runtime, config) / F32,
    private readonly piece = PIECE,
  ) {}

  /** Tensors uploaded, and their bytes on the device. */
  get traffic(): { readonly uploads: number; readonly uploadedBytes: number } {
    return { ...this.counts };
  }

  /**
   * The value of a program's input, to be read later, or undefined if it is not a weight of a whole-model
   * program.
   */
  late(name: string): LateWeight | undefined {
    const rows = this.rowsOf(name);
    const whole = rows && this.source.tensors.get(rows.name);
    if (!whole) return undefined;
    const { from, to } = rows;
    const shape = [to - from, ...whole.shape.slice(1)];
    const storage = isLayerMatrix(name, shape) ? this.config.storage : undefined;
    return { dtype: whole.dtype, shape, storage, read: () => this.source.read(rows.name, from, to) };
  }

  /** The rows of a stored tensor that an input holds: all of them, or those of a chunk of the vocabulary. */
  private rowsOf(
    name: string,
  ): { readonly name: string; readonly from: number; readonly to: number } | undefined {
    const whole = this.source.tensors.get(name);
    return whole ? { name, from: 0, to: whole.shape[0] as number } : vocabularyChunk(this.config, name);
  }

  /** The same weight on the device, or a part of it (`w.0.q scales`). */
  tensor(name: string): DeviceTensor | undefined {
    const known = this.tensors.get(name);
    if (known) return known;
    const [whole] = name.split(' ') as [string];
    const late = this.late(whole);
    if (!late) return undefined;
    if (whole !== name) {
      this.uploadParts(whole, late.shape as [number, number]);
      return this.tensors.get(name);
    }
    const bytes = F32 * sizeOf(late.shape);
    const { maxTensorBytes } = this.runtime;
    if (bytes > maxTensorBytes)
      throw new TooLargeError(
        `the weight ${name} takes ${bytes} bytes as float32; this device can bind ${maxTensorBytes} at most`,
        'Only the layers’ matrices and the vocabulary are bound in pieces: choose WASM in the Model panel, or another checkpoint.',
      );
    this.keep(name, this.runtime.upload(late.read(), name), bytes);
    return this.tensors.get(name);
  }

  private keep(name: string, tensor: DeviceTensor, bytes: number): void {
    this.tensors.set(name, this.owned.add(tensor));
    this.counts.uploads++;
    this.counts.uploadedBytes += bytes;
  }

  /** Computes and uploads all parts of a matrix a few rows at a time: host memory never holds more of it. */
  private uploadParts(name: string, shape: readonly [number, number]): void {
    const [rows, columns] = shape;
    const form = this.parts(name, shape) as BoundForm;
    const { name: stored, from: first } = this.rowsOf(name) as { name: string; from: number };
    const parts = boundParts(name, shape, form).map((one) => {
      const tensor = this.runtime.empty(one.dtype, one.shape, one.name);
      this.keep(one.name, tensor, DTYPE_BYTES[one.dtype] * sizeOf(one.shape));
      return { ...one, tensor };
    });
    const some = WORD_ROWS * Math.max(1, Math.floor(this.piece / (WORD_ROWS * columns)));
    for (let piece = 0; piece < rows; piece += form.rows) {
      const last = Math.min(rows, piece + form.rows);
      for (let at = piece; at < last; at += some) {
        const values = floatsOf(this.source.read(stored, first + at, first + Math.min(last, at + some)));
        const made = boundRows(values, columns, form.bits);
        for (const { part, tensor, shape: own, from } of parts) {
          if (from !== piece) continue;
          const packed = tensor.dtype === 'i4' ? 2 : 1;
          tensor.writeAt(((at - piece) * own[1]) / packed, made.get(part) as HostData);
        }
      }
    }
  }

  /**
   * The parts in which a program binds an input. A matrix of a layer has them if it is stored in fewer bits or is too large for
   * one binding; a chunk of a large head if the layers' are in fewer bits, but always of 16, since its error goes straight into
   * the probabilities.
   */
  parts(name: string, shape: Shape): BoundForm | undefined {
    const { storage } = this.config;
    const [all] = shape as [number];
    if (vocabularyChunk(this.config, name)) return storage && { bits: HEAD_BITS, rows: all };
    const isMatrix = isLayerMatrix(name, shape) || (this.isShared(name) && shape.length === 2);
    if (!isMatrix) return undefined;
    const rows = rowsOfPiece(shape as [number, number], this.most);
    if (storage) return { bits: boundBits(storage), rows };
    return rows < all ? { bits: 32, rows } : undefined;
  }

  /** Whether it is a weight of a program shared by layers. */
  private isShared(name: string): boolean {
    return (
      name.startsWith(LAYER_PREFIX) &&
      Object.hasOwn(layerShapes(this.config), name.slice(LAYER_PREFIX.length))
    );
  }

  /** Weights of layer i under the names of a program shared by layers: `w.{name}`, and their parts. */
  layer(i: number): Readonly<Record<string, DeviceTensor>> {
    const known = this.layers.get(i);
    if (known) return known;
    const made: Record<string, DeviceTensor> = {};
    for (const [name, shape] of Object.entries(layerShapes(this.config))) {
      const form = this.parts(LAYER_PREFIX + name, shape as Shape);
      const parts = form ? boundParts('', shape as [number, number], form).map((part) => part.name) : [''];
      for (const part of parts)
        made[LAYER_PREFIX + name + part] = this.tensor(layerPrefix(i) + name + part) as DeviceTensor;
    }
    this.layers.set(i, made);
    return made;
  }

  dispose(): Promise<void> {
    this.layers.clear();
    this.tensors.clear();
    return this.owned.dispose();
  }
}

/** Whether `DecoderConfig.storage` applies to a weight: it does to the layers' matrices. */
export const isLayerMatrix = (name: string, shape: Shape): boolean =>
  /^w\.\d+\./.test(name) && shape.length === 2;

/** Bytes of a whole model as stored in programs on WASM. */
export function bytesOf(source: WeightSource, storage?: KeptAs): number {
  let bytes = 0;
  for (const [name, { shape }] of source.tensors) {
    const [rows, columns] = shape as [number, number];
    bytes +=
      storage && isLayerMatrix(name, shape)
        ? keptBytes(rows, columns, formOf(storage, 'wasm'))
        : F32 * sizeOf(shape);
  }
  return bytes;
}

/** The configuration with its vocabulary in equal chunks of at most `maxBytes`, if one tensor would take more. */
export function chunked(config: DecoderConfig, maxBytes: number): DecoderConfig {
  const { vocabSize: V, hiddenSize: H } = config;
  const row = F32 * H;
  if (V * row <= maxBytes) return config;
  const count = Math.ceil(V / Math.max(1, Math.floor(maxBytes / row)));
  return { ...config, vocabularyRows: Math.ceil(V / count) };
}
