import { describe, expect, it } from 'vitest';
import {
  BLOCK,
  type BlockBits,
  blockScales,
  blocksOf,
  multipleBytes,
  packNibbles,
  plane,
  quantiseBlocks,
  throughBlocks,
} from './blocks';
import golden from './blocks.golden.json';
import { toBf16, toF16, widened } from './half';
import { Rng } from './rng';

const floats = (bits: readonly number[]): Float32Array<ArrayBuffer> =>
  new Float32Array(Uint32Array.from(bits).buffer);
const hex = (bytes: Uint8Array | Int8Array): string =>
  Array.from(bytes, (byte) => (byte & 255).toString(16).padStart(2, '0')).join('');

/** As they are written for ONNX. */
function partsOf(multiples: Int16Array, bits: BlockBits): string[] {
  const bytes = Int8Array.from(multiples);
  if (bits === 8) return [hex(bytes)];
  if (bits === 4) {
    // What was there before is overwritten.
    const out = new Uint8Array(multipleBytes(multiples.length, 4)).fill(0xff);
    packNibbles(bytes, out);
    return [hex(out)];
  }
  return (['high', 'low'] as const).map((which) => {
    const out = new Int8Array(multiples.length);
    plane(multiples, which, out);
    return hex(out);
  });
}

/** A step is uniform in error: s/√12, where 32 normal values have their largest at about 2.1 σ; 16 bits' step is up to twice as large. */
const STEPS = { 4: [7e-2, 9e-2], 8: [3e-3, 6e-3], 16: [2e-5, 5e-5] } as const;

describe.each([4, 8, 16] as const)('in %i bits', (bits) => {
  it('quantises to the bytes that numpy does', () => {
    const [rows, columns] = golden.shape as [number, number];
    const values = floats(golden.valueBits);
    const scales = blockScales(values, columns, bits);
    expect(Array.from(new Uint32Array(scales.buffer))).toEqual(golden.bits[bits].scaleBits);
    const multiples = new Int16Array(rows * columns);
    quantiseBlocks(values, columns, bits, scales, multiples);
    expect(partsOf(multiples, bits)).toEqual(golden.bits[bits].parts);
  });

  it('leaves each value within half a step', () => {
    const [rows, columns] = [40, 70];
    const rng = new Rng(1);
    const values = Float32Array.from({ length: rows * columns }, () => rng.normal());
    const scales = blockScales(values, columns, bits);
    const back = throughBlocks(values, columns, bits);
    let [error, size] = [0, 0];
    back.forEach((value, i) => {
      const block = Math.floor(i / columns) * blocksOf(columns) + Math.floor((i % columns) / BLOCK);
      const step = Math.abs(scales[block] as number);
      const difference = Math.abs(value - (values[i] as number));
      // Half a step, or a whole one beyond the seven multiples that 4 bits have on one side; and the rounding to float32.
      const beyond = bits === 4 && (values[i] as number) / (scales[block] as number) > 7.5;
      expect(difference).toBeLessThanOrEqual((beyond ? 1 : 0.5) * step * (1 + 1e-3));
      error += difference ** 2;
      size += (values[i] as number) ** 2;
    });
    expect(Math.sqrt(error / size)).toBeGreaterThan(STEPS[bits][0]);
    expect(Math.sqrt(error / size)).toBeLessThan(STEPS[bits][1]);
  });
});

it.each([
  ['bf16', 128],
  ['f16', 16],
] as const)('in 16 bits a %s of at least 1/%i of its block’s largest is kept as it is', (dtype, least) => {
  const [rows, columns] = [400, BLOCK];
  const rng = new Rng(2);
  const drawn = Float32Array.from({ length: rows * columns }, () => rng.normal());
  // The largest mantissa there is, for which a step of half the size would not do.
  drawn[0] = dtype === 'bf16' ? 3.984375 : 3.998046875;
  const halves = Uint16Array.from(new Uint32Array(drawn.buffer), dtype === 'f16' ? toF16 : toBf16);
  const values = widened(halves, dtype);
  const back = throughBlocks(values, columns, 16);
  let changed = 0;
  for (let row = 0; row < values.length; row += columns) {
    const largest = Math.max(...values.subarray(row, row + columns).map(Math.abs));
    for (let i = row; i < row + columns; i++) {
      const [value, error] = [values[i] as number, Math.abs((back[i] as number) - (values[i] as number))];
      if (Math.abs(value) >= largest / least) expect(error).toBe(0);
      expect(error).toBeLessThanOrEqual(largest / 32512);
      if (error > 0) changed++;
    }
  }
  expect(changed).toBeGreaterThan(0);
});
