import { blockScales, quantiseBlocks } from '../base/blocks';
import { floatsOf } from '../base/half';
import type { LateWeight } from './late-weight';

/**
 * The two parts of a matrix in 8 bits, made when ONNX Runtime asks for them. Scales that the multiples were made with are
 * kept until they are asked for; asked for first, they are made alone.
 */
export class BlockedValues {
  private scales: Float32Array | undefined;

  constructor(
    private readonly weight: LateWeight,
    private readonly columns: number,
  ) {}

  writeMultiples(out: Uint8Array): void {
    const values = floatsOf(this.weight.read());
    const scales = blockScales(values, this.columns);
    this.scales = scales;
    quantiseBlocks(values, this.columns, scales, new Int8Array(out.buffer, out.byteOffset, out.length));
  }

  writeScales(out: Uint8Array): void {
    const scales = this.scales ?? blockScales(floatsOf(this.weight.read()), this.columns);
    this.scales = undefined;
    out.set(new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength));
  }
}
