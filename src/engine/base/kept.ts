import { type BlockBits, blocksOf, multipleBytes, throughBlocks } from './blocks';
import type { HalfDType, HalfHostTensor, HostTensor } from './dtype';
import { NumericError } from './errors';
import { floatsOf, isHalf, toBf16, toF16, widened } from './half';
import type { Shape } from './shape';

/** How programs keep a matrix other than as float32. */
export type KeptAs = 'half' | 'int8' | 'int4';

/** How that is done: as 16-bit floats, or by blocks of so many bits (blocks.ts). */
export type KeptForm = 'halves' | BlockBits;

/** On WebGPU 16 bits are fixed-point, by blocks: without `shader-f16`, which a device may lack, it has no 16-bit floats. */
export const formOf = (storage: KeptAs, provider: 'wasm' | 'webgpu'): KeptForm =>
  storage === 'half' ? (provider === 'wasm' ? 'halves' : 16) : storage === 'int8' ? 8 : 4;

/** Where a matrix is bound to programs rather than part of them: 16-bit floats cannot be bound. */
export const boundBits = (storage: KeptAs): BlockBits =>
  ({ half: 16, int8: 8, int4: 4 })[storage] as BlockBits;

/** What a matrix by blocks consists of: its multiples, of 16 bits their upper and lower bytes, and its scales. */
export type BlockPart = 'multiples' | 'high' | 'low' | 'scales';
export const partName = (name: string, part: BlockPart): string => `${name} ${part}`;

/** The parts of a matrix [rows, columns] as they are bound. */
export function boundParts(
  name: string,
  [rows, columns]: readonly [number, number],
  bits: BlockBits,
): {
  readonly part: BlockPart;
  readonly name: string;
  readonly dtype: 'u8' | 'i4' | 'f32';
  readonly shape: Shape;
}[] {
  const parts: readonly BlockPart[] = bits === 16 ? ['high', 'low', 'scales'] : ['multiples', 'scales'];
  return parts.map((part) => ({
    part,
    name: partName(name, part),
    dtype: part === 'scales' ? 'f32' : bits === 4 ? 'i4' : 'u8',
    shape: [rows, part === 'scales' ? blocksOf(columns) : columns],
  }));
}

/** Bytes of a matrix [rows, columns], scales included. */
export const keptBytes = (rows: number, columns: number, form: KeptForm): number =>
  form === 'halves'
    ? 2 * rows * columns
    : multipleBytes(rows * columns, form) + Float32Array.BYTES_PER_ELEMENT * rows * blocksOf(columns);

/** The 16-bit float that a matrix stored in that type is kept in: its own, which loses nothing, else float16. */
export const halfOf = (dtype: HostTensor['dtype']): HalfDType => (dtype === 'bf16' ? 'bf16' : 'f16');

/** Magnitudes from here on round to infinity in float16. */
const F16_OVERFLOW = 65520;

/**
 * The matrix in that type of 16 bits, itself if it is stored so.
 * @throws NumericError naming the weight and the value where one is beyond float16
 */
export function inHalf(host: HostTensor, dtype: HalfDType, name: string): HalfHostTensor {
  if (isHalf(host) && host.dtype === dtype) return host;
  const values = floatsOf(host);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const data = new Uint16Array(values.length);
  const narrow = dtype === 'f16' ? toF16 : toBf16;
  for (let i = 0; i < data.length; i++) {
    data[i] = narrow(bits[i] as number);
    if (dtype === 'f16' && Math.abs(values[i] as number) >= F16_OVERFLOW)
      throw new NumericError(
        `weight ${name} has the value ${values[i]}, and float16 ends at 65504`,
        'Keep the matrices in float32, or in 8 bits, whose blocks have scales of their own.',
      );
  }
  return { dtype, shape: host.shape, data };
}

/** A matrix [rows, columns] as programs compute with it, in float32. @throws NumericError as `inHalf` does */
export function keptFloats(host: HostTensor, form: KeptForm, name: string): Float32Array<ArrayBuffer> {
  if (form !== 'halves') return throughBlocks(floatsOf(host), host.shape[1] as number, form);
  const { data, dtype } = inHalf(host, halfOf(host.dtype), name);
  return widened(data, dtype);
}
