/**
 * The bytes of float tensors in checkpoints: f32, f16 or bf16, little-endian. For little-endian hosts only, which is
 * every host with WebAssembly. Conversions are those of base/half.ts.
 */
import type { HalfDType } from '../base/dtype';
import { FileError } from '../base/errors';
import { toBf16, toF16 } from '../base/half';

export type FloatDType = 'f32' | HalfDType;

/**
 * Bytes at any alignment → elements as stored, 16 bits each for f16 and bf16. Bytes that fill a buffer of
 * their own stay in it; others are copied, so that no tensor keeps a whole file alive. Throws `FileError` on
 * a ragged length.
 */
export function elementsOf(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: FloatDType,
): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const width = dtype === 'f32' ? 4 : 2;
  if (bytes.length % width !== 0)
    throw new FileError(
      `${bytes.length} bytes are not a whole number of ${dtype} values`,
      'The file is damaged: get it again.',
    );
  const { buffer } = bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  return dtype === 'f32' ? new Float32Array(buffer) : new Uint16Array(buffer);
}

/** f32 values → little-endian bytes, rounded to nearest even; beyond the range becomes infinity, NaN stays NaN. */
export function encodeFloats(values: Float32Array, dtype: FloatDType): Uint8Array<ArrayBuffer> {
  if (dtype === 'f32') {
    const copy = new Float32Array(values);
    return new Uint8Array(copy.buffer);
  }
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  const narrow = dtype === 'f16' ? toF16 : toBf16;
  for (let i = 0; i < out.length; i++) out[i] = narrow(bits[i] as number);
  return new Uint8Array(out.buffer);
}
