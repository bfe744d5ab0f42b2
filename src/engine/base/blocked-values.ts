import { type BlockBits, blockScales, packNibbles, plane, quantiseBlocks } from './blocks';
import type { HostTensor } from './dtype';
import { floatsOf } from './half';
import type { BlockPart } from './kept';

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
