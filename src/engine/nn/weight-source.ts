import type { HostTensor } from '../base/dtype';
import { BUG, RuntimeError } from '../base/errors';
import type { Shape } from '../base/shape';
import type { DecoderConfig } from './config';
import { type PackedWeight, packedWeights } from './weight-parts';
import { joinRows, namedWeights, transpose, type Weights } from './weights';

/**
 * A model's weights where they are stored, by the input names of a whole-model program: `w.embedding`, `w.finalNorm`,
 * `w.head`, `w.{i}.{name}` of layer i. Readers keep no copy in host memory.
 */
export interface WeightSource {
  /** Every tensor, with its shape and the dtype it is stored in. */
  readonly tensors: ReadonlyMap<string, { readonly dtype: HostTensor['dtype']; readonly shape: Shape }>;
  /**
   * Values of a tensor, or of its rows [from, to), as they are stored; shape and values must not be changed.
   * Synchronous, as reads of files in a worker and of OPFS handles are, because ONNX Runtime reads external data that way.
   */
  read(name: string, from?: number, to?: number): HostTensor;
}

/** Weights in host memory as a source; reads return views. */
export function memorySource(weights: Weights): WeightSource {
  const tensors = new Map(Object.entries(namedWeights(weights)));
  return {
    tensors,
    read(name, from, to) {
      const whole = tensors.get(name);
      if (!whole) throw unknown(name);
      return from === undefined ? whole : rowsOf(whole, from, to ?? (whole.shape[0] as number));
    },
  };
}

/** Rows [from, to) of a tensor: a view. */
function rowsOf(whole: HostTensor, from: number, to: number): HostTensor {
  const [rows, ...rest] = whole.shape as [number, ...number[]];
  const width = whole.data.length / rows;
  const data = whole.data.subarray(from * width, to * width);
  return { ...whole, shape: [to - from, ...rest], data } as HostTensor;
}

const unknown = (name: string): RuntimeError => new RuntimeError(`there is no weight "${name}"`, BUG);

/** The tensors of a checkpoint under its own names, as its files hold them. */
export interface PartReader {
  dtype(name: string): 'f32' | 'f16' | 'bf16';
  /** Rows [from, to), all by default. */
  read(name: string, from?: number, to?: number): HostTensor;
}

/** A checkpoint as a source: of what is asked for, the parts are read, transposed and joined; nothing is kept. */
export function packedSource(config: DecoderConfig, reader: PartReader): WeightSource {
  const packed = packedWeights(config);
  const tensors = new Map(
    [...packed].map(([name, { shape, parts }]) => {
      const [first, ...others] = parts.map((part) => reader.dtype(part.name));
      const dtype = others.every((other) => other === first) ? (first as HostTensor['dtype']) : 'f32';
      return [name, { dtype, shape }] as const;
    }),
  );
  return {
    tensors,
    read(name, from = 0, to) {
      const weight = packed.get(name);
      if (!weight) throw unknown(name);
      return readRows(weight, reader, from, to ?? (weight.shape[0] as number));
    },
  };
}

function readRows({ shape, parts }: PackedWeight, reader: PartReader, from: number, to: number): HostTensor {
  const found: HostTensor[] = [];
  let first = 0;
  for (const part of parts) {
    const rows = part.shape[part.transposed ? 1 : 0] as number;
    const [begin, end] = [Math.max(from - first, 0), Math.min(to - first, rows)];
    first += rows;
    if (begin >= end) continue;
    // Rows of a transposed part are columns in the file, so that all of it is read.
    if (part.transposed) found.push(rowsOf(transpose(reader.read(part.name)), begin, end));
    else found.push(reader.read(part.name, begin, end));
  }
  return joinRows(found, [to - from, ...shape.slice(1)]);
}
