/**
 * f16 and bf16 ↔ f32. Checkpoints store them; the graph computes in f32. Widening is exact, subnormals, infinities
 * and NaN payloads included, because it works on bit patterns (base/half.ts) and never on float values.
 * Little-endian hosts only, which is every host with WebAssembly.
 */
import type { DType } from '../base/dtype';
import { FileError } from '../base/errors';
import { f16Bits, toBf16, toF16 } from '../base/half';

export type FloatDType = Extract<DType, 'f32' | 'f16' | 'bf16'>;

let f16Table: Uint32Array | undefined;

/** Little-endian float bytes, at any alignment → a new Float32Array. Throws `FileError` on a ragged length. */
export function decodeFloats(bytes: Uint8Array, dtype: FloatDType): Float32Array<ArrayBuffer> {
  const width = dtype === 'f32' ? 4 : 2;
  if (bytes.length % width !== 0)
    throw new FileError(`${bytes.length} bytes are not a whole number of ${dtype} values`);
  const out = new Float32Array(bytes.length / width);
  if (dtype === 'f32') {
    new Uint8Array(out.buffer).set(bytes);
    return out;
  }
  const halves =
    bytes.byteOffset % 2 === 0
      ? new Uint16Array(bytes.buffer, bytes.byteOffset, out.length)
      : new Uint16Array(bytes.slice().buffer);
  const bits = new Uint32Array(out.buffer);
  if (dtype === 'bf16') {
    for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] as number) << 16;
    return out;
  }
  f16Table ??= Uint32Array.from({ length: 65536 }, (_, h) => f16Bits(h));
  for (let i = 0; i < bits.length; i++) bits[i] = f16Table[halves[i] as number] as number;
  return out;
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
