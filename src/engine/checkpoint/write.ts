/** Writing safetensors: the same tensors give the same bytes, whatever order they come in. */
import { FileError } from '../base/errors';
import { type Shape, showShape, sizeOf } from '../base/shape';
import { quote } from './json';
import { MAX_HEADER_BYTES, METADATA, STORED_DTYPES, type StoredDType } from './safetensors';

export interface WritableTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: Shape;
  /** Row-major, little-endian: `sizeOf(shape)` elements (`encodeFloats` makes them). */
  readonly bytes: Uint8Array;
}

const UNWRITABLE = 'This is a bug in the program: please report it.';

/** What a header says about a tensor. */
export type DescribedTensor = Omit<WritableTensor, 'bytes'>;

/**
 * The beginning of a file, after which the bytes of `tensors` follow, in this order: widest element first, then by name, so that
 * each is aligned to its element; the header is padded with spaces to a multiple of 8. Throws `FileError` for a repeated or
 * reserved name.
 */
export function sortedHeader<T extends DescribedTensor>(
  tensors: Iterable<T>,
  metadata?: ReadonlyMap<string, string>,
): { readonly header: Uint8Array<ArrayBuffer>; readonly tensors: readonly T[]; readonly length: number } {
  const sorted = [...tensors].sort((a, b) => widthOf(b) - widthOf(a) || compare(a.name, b.name));
  const entries: string[] = [];
  if (metadata !== undefined && metadata.size > 0) {
    const pairs = [...metadata].sort(([a], [b]) => compare(a, b)).map(([k, v]) => `${str(k)}:${str(v)}`);
    entries.push(`${str(METADATA)}:{${pairs.join(',')}}`);
  }
  const names = new Set([METADATA]);
  let length = 0;
  for (const { name, dtype, shape } of sorted) {
    if (names.has(name)) {
      throw new FileError(
        `cannot write tensor ${quote(name)}: the name is ${name === METADATA ? 'reserved' : 'taken'}`,
        'Give each tensor a name of its own.',
      );
    }
    names.add(name);
    const end = length + bytesOf({ name, dtype, shape });
    entries.push(
      `${str(name)}:{"dtype":"${STORED_DTYPES.get(dtype)?.fileName}","shape":[${shape.join(',')}],"data_offsets":[${length},${end}]}`,
    );
    length = end;
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new FileError(
      `cannot write a header of ${headerBytes} bytes; readers take at most ${MAX_HEADER_BYTES}`,
      'Write fewer tensors, or less metadata.',
    );
  }
  const header = new Uint8Array(8 + headerBytes).fill(SPACE);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerBytes), true);
  header.set(json, 8);
  return { header, tensors: sorted, length: header.length + length };
}

const SPACE = 32;
const bytesOf = (tensor: DescribedTensor): number => sizeOf(tensor.shape) * widthOf(tensor);

/** One file, see `sortedHeader`. Throws `FileError`, also for bytes that do not fit the shape. */
export function writeSafetensors(
  tensors: Iterable<WritableTensor>,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  const { header, tensors: sorted, length } = sortedHeader(tensors, metadata);
  const file = new Uint8Array(length);
  file.set(header);
  let at = header.length;
  for (const tensor of sorted) {
    const { name, dtype, shape, bytes } = tensor;
    if (bytes.length !== bytesOf(tensor)) {
      throw new FileError(
        `cannot write tensor ${quote(name)}: ${bytes.length} bytes given, ${dtype} ${showShape(shape)} needs ${bytesOf(tensor)}`,
        UNWRITABLE,
      );
    }
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

const str = (text: string): string => JSON.stringify(text);

/** By code units: the same on every machine, unlike localeCompare. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function widthOf(tensor: DescribedTensor): number {
  const known = STORED_DTYPES.get(tensor.dtype);
  if (known === undefined)
    throw new FileError(
      `cannot write tensor ${quote(tensor.name)}: unknown dtype ${quote(tensor.dtype)}`,
      UNWRITABLE,
    );
  return known.bytes;
}
