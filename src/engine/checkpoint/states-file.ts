/** Headers of files whose float32 values are written in parts, without ever being in memory all at once. */
import { FileError } from '../base/errors';
import { type Shape, sizeOf } from '../base/shape';
import { MAX_HEADER_BYTES, METADATA } from './safetensors';

/** What both formats align their values to, in bytes. */
const NPY_ALIGNMENT = 64;
const SAFETENSORS_ALIGNMENT = 8;

/**
 * The header of a .npy file (format 1.0) of little-endian float32 in C order: byte for byte what numpy
 * writes. Values of `sizeOf(shape)` elements follow it.
 */
export function npyHeader(shape: Shape): Uint8Array<ArrayBuffer> {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims}), }`;
  // \x93NUMPY, the version and a length of 16 bits.
  const before = 10;
  const length = NPY_ALIGNMENT * Math.ceil((before + text.length + 1) / NPY_ALIGNMENT) - before;
  const bytes = new Uint8Array(before + length).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 0xff, length >> 8]);
  bytes.set(new TextEncoder().encode(text), before);
  bytes[bytes.length - 1] = 0x0a;
  return bytes;
}

/**
 * The header of a safetensors file of F32 tensors, whose values follow it in this order.
 * @throws FileError for metadata too long for any reader
 */
export function safetensorsHeader(
  tensors: readonly { readonly name: string; readonly shape: Shape }[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const head: Record<string, unknown> = { [METADATA]: metadata };
  let at = 0;
  for (const { name, shape } of tensors) {
    const end = at + 4 * sizeOf(shape);
    head[name] = { dtype: 'F32', shape, data_offsets: [at, end] };
    at = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(head));
  const length = SAFETENSORS_ALIGNMENT * Math.ceil(json.length / SAFETENSORS_ALIGNMENT);
  if (length > MAX_HEADER_BYTES)
    throw new FileError(
      `the texts and tokens take a header of ${length} bytes; readers take at most ${MAX_HEADER_BYTES}`,
      'Write fewer samples, or a .npy file.',
    );
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}
