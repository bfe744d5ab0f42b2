import { type BlockBits, blockScales, packNibbles, plane, quantiseBlocks } from './blocks';
import type { HostData, HostTensor } from './dtype';
import { floatsOf } from './half';
import type { BlockPart, BoundBits, MatrixPart } from './kept';

/**
 * The parts of a matrix by blocks, each made when ONNX Runtime asks for it. Of what the multiples are made from only the
 * scales are kept, until they are asked for.
 */
export class BlockedValues {
  private scales: Float32Array<ArrayBuffer> | undefined;

  constructor(
    private readonly weight: { read(): HostTensor },
    private readonly columns: number,
    private readonly bits: BlockBits,
  ) {}

  write(part: BlockPart, out: Uint8Array): void {
    const { columns, bits } = this;
    const values = floatsOf(this.weight.read());
    const scales = this.scales ?? blockScales(values, columns, bits);
    if (part === 'scales') {
      this.scales = undefined;
      out.set(new Uint8Array(scales.buffer));
      return;
    }
    this.scales = scales;
    const bytes = new Int8Array(out.buffer, out.byteOffset, out.length);
    // Those of a byte are what is written.
    const multiples =
      bits === 8 ? bytes : bits === 4 ? new Int8Array(values.length) : new Int16Array(values.length);
    quantiseBlocks(values, columns, bits, scales, multiples);
    if (part !== 'multiples') plane(multiples as Int16Array, part, bytes);
    else if (bits === 4) packNibbles(multiples as Int8Array, out);
  }
}

/**
 * Rows of a matrix as they are bound, every part of them at once: bytes above 128, since signed ones cannot be bound on WebGPU.
 * @param values [rows, columns], by blocks an even number of them
 */
export function boundRows(
  values: Float32Array<ArrayBuffer>,
  columns: number,
  bits: BoundBits,
): ReadonlyMap<MatrixPart, HostData> {
  if (bits === 32) return new Map([['values', values]]);
  const scales = blockScales(values, columns, bits);
  const multiples = bits === 16 ? new Int16Array(values.length) : new Int8Array(values.length);
  quantiseBlocks(values, columns, bits, scales, multiples);
  if (bits === 16) {
    const byte = (part: 'high' | 'low') => {
      const bytes = new Int8Array(values.length);
      plane(multiples as Int16Array, part, bytes);
      return [part, above128(bytes)] as const;
    };
    return new Map<MatrixPart, HostData>([byte('high'), byte('low'), ['scales', scales]]);
  }
  const packed = new Uint8Array(Math.ceil(values.length / 2));
  if (bits === 4) packNibbles(multiples as Int8Array, packed);
  const bytes = bits === 4 ? packed : above128(multiples as Int8Array<ArrayBuffer>);
  return new Map<MatrixPart, HostData>([
    ['multiples', bytes],
    ['scales', scales],
  ]);
}

/** Signed bytes as unsigned ones, 128 being 0, in place. */
function above128(signed: Int8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(signed.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ 128;
  return bytes;
}
