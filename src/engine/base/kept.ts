import { type BlockBits, blocksOf, multipleBytes, throughBlocks } from './blocks';
import type { HalfHostTensor, HostTensor } from './dtype';
import { NumericError } from './errors';
import { bf16Bits, floatsOf, toF16, widened } from './half';

/** How programs keep a matrix other than as float32. */
export type KeptAs = 'half' | 'int8' | 'int4';

/** How that is done: as float16, or by blocks of so many bits (blocks.ts). */
export type KeptForm = 'halves' | BlockBits;

/** On WebGPU 16 bits are fixed-point, by blocks: without `shader-f16`, which a device may lack, it has no 16-bit floats. */
export const formOf = (storage: KeptAs, provider: 'wasm' | 'webgpu'): KeptForm =>
  storage === 'half' ? (provider === 'wasm' ? 'halves' : 16) : storage === 'int8' ? 8 : 4;

/** Where a matrix is bound to programs rather than part of them: 16-bit floats cannot be bound. */
export const boundBits = (storage: KeptAs): BlockBits =>
  ({ half: 16, int8: 8, int4: 4 })[storage] as BlockBits;

/** What a matrix by blocks consists of: its multiples, of 16 bits their upper and lower bytes, and its scales. */
export type BlockPart = 'multiples' | 'high' | 'low' | 'scales';
/** What a matrix consists of as it is bound: parts by blocks, or its float32 values. */
export type MatrixPart = BlockPart | 'values';
export const partName = (name: string, part: MatrixPart): string => `${name} ${part}`;

/** Bits of a value of a bound matrix: by blocks, or 32 of float32. */
export type BoundBits = BlockBits | 32;

/** How a matrix is bound: in so many bits, in pieces of at most so many rows. */
export interface BoundForm {
  readonly bits: BoundBits;
  readonly rows: number;
}

/** Rows that are whole 32-bit words in every part, whatever the columns. */
export const WORD_ROWS = 8;

/** Rows of equal pieces of a matrix [rows, columns], none of more than `values` values unless a few rows have more. */
export function rowsOfPiece([rows, columns]: readonly [number, number], values: number): number {
  const most = WORD_ROWS * Math.max(1, Math.floor(values / (WORD_ROWS * columns)));
  const count = Math.ceil(rows / most);
  return Math.min(rows, WORD_ROWS * Math.ceil(rows / (WORD_ROWS * count)));
}

/** A part of a matrix, or of its rows from the `from`-th, as it is bound. */
export interface BoundPart {
  readonly part: MatrixPart;
  readonly name: string;
  readonly dtype: 'u8' | 'i4' | 'f32';
  readonly shape: readonly [rows: number, columns: number];
  readonly from: number;
}

/** The parts of a piece of a matrix, in order. */
const partsIn = (bits: BoundBits): readonly MatrixPart[] => {
  if (bits === 32) return ['values'];
  return bits === 16 ? ['high', 'low', 'scales'] : ['multiples', 'scales'];
};

/** The type in which a part is bound. */
const boundAs = (part: MatrixPart, bits: BoundBits): BoundPart['dtype'] => {
  if (part === 'scales' || part === 'values') return 'f32';
  return bits === 4 ? 'i4' : 'u8';
};

/** The parts of a matrix [rows, columns] as they are bound, piece by piece; of several pieces each has its number. */
export function boundParts(
  name: string,
  [rows, columns]: readonly [number, number],
  { bits, rows: most }: BoundForm,
): BoundPart[] {
  return Array.from({ length: Math.ceil(rows / most) }, (_, piece) => piece).flatMap((piece) =>
    partsIn(bits).map((part) => ({
      part,
      name: partName(name, part) + (most < rows ? ` ${piece}` : ''),
      dtype: boundAs(part, bits),
      shape: [Math.min(most, rows - piece * most), part === 'scales' ? blocksOf(columns) : columns] as const,
      from: piece * most,
    })),
  );
}

/** Bytes of a matrix [rows, columns], scales included. */
export const keptBytes = (rows: number, columns: number, form: KeptForm): number =>
  form === 'halves'
    ? 2 * rows * columns
    : multipleBytes(rows * columns, form) + Float32Array.BYTES_PER_ELEMENT * rows * blocksOf(columns);

/** What magnitudes of 65520 and more round to. */
const INFINITE = 0x7c00;
/** The float16 nearest to each bfloat16. */
let nearest: Uint16Array | undefined;

/**
 * The matrix in float16: itself if it is stored so. A bfloat16 of magnitude 2^-17 to 65504 keeps its value.
 * @throws NumericError naming the weight and the value where one is beyond float16
 */
export function inFloat16(host: HostTensor, name: string): HalfHostTensor {
  if (host.dtype === 'f16') return host as HalfHostTensor;
  const { shape } = host;
  const data = new Uint16Array(host.data.length);
  if (host.dtype === 'bf16') {
    nearest ??= Uint16Array.from({ length: 65536 }, (_, h) => toF16(bf16Bits(h) >>> 0));
    for (let i = 0; i < data.length; i++) data[i] = nearest[host.data[i] as number] as number;
  } else {
    const values = floatsOf(host);
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < data.length; i++) data[i] = toF16(bits[i] as number);
  }
  const beyond = data.findIndex((half) => (half & 0x7fff) === INFINITE);
  if (beyond >= 0)
    throw new NumericError(
      `weight ${name} has the value ${floatsOf(host, beyond, beyond + 1)[0]}, and float16 ends at 65504`,
      'Keep the matrices in float32, or in 8 bits, whose blocks have scales of their own.',
    );
  return { dtype: 'f16', shape, data };
}

/** A matrix [rows, columns] as programs compute with it, in float32. @throws NumericError as `inFloat16` does */
export function keptFloats(host: HostTensor, form: KeptForm, name: string): Float32Array<ArrayBuffer> {
  if (form !== 'halves') return throughBlocks(floatsOf(host), host.shape[1] as number, form);
  const { data, dtype } = inFloat16(host, name);
  return widened(data, dtype);
}
