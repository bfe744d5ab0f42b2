import { BlockedValues } from '../base/blocked-values';
import type { BlockBits } from '../base/blocks';
import { allocate, DTYPE_BYTES, type HostTensor, type PackedHostTensor } from '../base/dtype';
import {
  type BlockPart,
  type BoundPart,
  boundBits,
  boundParts,
  formOf,
  type KeptAs,
  keptBytes,
} from '../base/kept';
import { Owned } from '../base/owned';
import { type Shape, sizeOf } from '../base/shape';
import type { DecoderConfig } from '../nn/config';
import { LAYER_PREFIX } from '../nn/programs/layer';
import type { WeightSource } from '../nn/weight-source';
import { layerPrefix, layerShapes, vocabularyChunk } from '../nn/weights';
import type { LateWeight, Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';

/** Bytes of a value, as programs read it. */
const F32 = Float32Array.BYTES_PER_ELEMENT;

/** The weights of one model on the device: each is uploaded when first asked for, and stays. */
export class DeviceWeights {
  private readonly owned = new Owned();
  private readonly tensors = new Map<string, DeviceTensor>();
  private readonly layers = new Map<number, Readonly<Record<string, DeviceTensor>>>();
  /** Of matrices whose parts are asked for one after another. */
  private readonly blocks = new Map<string, BlockedValues>();
  private readonly counts = { uploads: 0, uploadedBytes: 0 };

  constructor(
    private readonly runtime: Runtime,
    private readonly config: DecoderConfig,
    private readonly source: WeightSource,
  ) {}

  /** Tensors uploaded, and their bytes on the device. */
  get traffic(): { readonly uploads: number; readonly uploadedBytes: number } {
    return { ...this.counts };
  }

  /** The value of a program's input, to be read later, or undefined if it is no weight of a whole-model program. */
  late(name: string): LateWeight | undefined {
    const { source } = this;
    const whole = source.tensors.get(name);
    if (whole) {
      const storage =
        this.config.storage && isLayerMatrix(name, whole.shape) ? this.config.storage : undefined;
      return { ...whole, storage, read: () => source.read(name) };
    }
    const chunk = vocabularyChunk(this.config, name);
    const table = chunk && source.tensors.get(chunk.name);
    if (!table) return undefined;
    const { from, to } = chunk;
    const shape = [to - from, ...table.shape.slice(1)];
    return { dtype: table.dtype, shape, read: () => source.read(chunk.name, from, to) };
  }

  /** The same on the device, or a part of it (`w.0.q scales`). */
  tensor(name: string): DeviceTensor | undefined {
    const known = this.tensors.get(name);
    if (known) return known;
    const [whole, part] = name.split(' ') as [string, BlockPart | undefined];
    const late = this.late(whole);
    if (!late) return undefined;
    const host = part ? this.part(late, whole, part) : late.read();
    const tensor = this.owned.add(this.runtime.upload(host, name));
    this.tensors.set(name, tensor);
    this.counts.uploads++;
    this.counts.uploadedBytes += sizeOf(host.shape) * Math.max(DTYPE_BYTES[host.dtype], part ? 0 : F32);
    return tensor;
  }

  private part(late: LateWeight, name: string, part: BlockPart): HostTensor | PackedHostTensor {
    const bits = boundBits(this.config.storage as KeptAs);
    const shape = late.shape as [number, number];
    const blocks = this.blocks.get(name) ?? new BlockedValues(late, shape[1], bits);
    this.blocks.set(name, blocks);
    const bound = boundParts(name, shape, bits).find((one) => one.part === part) as BoundPart;
    const data = allocate(bound.dtype, sizeOf(bound.shape));
    const bytes = new Uint8Array(data.buffer);
    blocks.write(part, bytes);
    // Bytes are bound above 128.
    if (bound.dtype === 'u8') for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ 128;
    return { dtype: bound.dtype, shape: bound.shape, data } as HostTensor | PackedHostTensor;
  }

  /** The parts that a program binds an input in, if it is a matrix that is kept in fewer bits. */
  parts(name: string, shape: Shape): BlockBits | undefined {
    const { storage } = this.config;
    const isMatrix = isLayerMatrix(name, shape) || (this.isShared(name) && shape.length === 2);
    return storage && isMatrix ? boundBits(storage) : undefined;
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
      const bits = this.parts(LAYER_PREFIX + name, shape as Shape);
      const parts = bits ? boundParts('', shape as [number, number], bits).map((part) => part.name) : [''];
      for (const part of parts)
        made[LAYER_PREFIX + name + part] = this.tensor(layerPrefix(i) + name + part) as DeviceTensor;
    }
    this.layers.set(i, made);
    return made;
  }

  dispose(): Promise<void> {
    this.layers.clear();
    this.tensors.clear();
    this.blocks.clear();
    return this.owned.dispose();
  }
}

/** Whether it is a weight that `DecoderConfig.storage` is about: a matrix of a layer. */
export const isLayerMatrix = (name: string, shape: Shape): boolean =>
  /^w\.\d+\./.test(name) && shape.length === 2;

/** Bytes of a whole model as programs of WASM have it. */
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

/** The configuration with its vocabulary in equal chunks of at most `maxBytes`, where one tensor would take more. */
export function chunked(config: DecoderConfig, maxBytes: number): DecoderConfig {
  const { vocabSize: V, hiddenSize: H } = config;
  const row = F32 * H;
  if (V * row <= maxBytes) return config;
  const count = Math.ceil(V / Math.max(1, Math.floor(maxBytes / row)));
  return { ...config, vocabularyRows: Math.ceil(V / count) };
}
