import { expect, it } from 'vitest';
import { blockScales, blocksOf, dequantiseBlocks, quantiseBlocks, throughBlocks } from './blocks';
import golden from './blocks.golden.json';
import { Rng } from './rng';

const floats = (bits: readonly number[]): Float32Array<ArrayBuffer> =>
  new Float32Array(Uint32Array.from(bits).buffer);

it('quantises to the bytes that numpy does', () => {
  const columns = golden.shape[1] as number;
  const values = floats(golden.valueBits);
  const scales = blockScales(values, columns);
  const bits = Array.from(new Uint32Array(scales.buffer));
  expect(bits).toEqual(golden.scaleBits);
  const multiples = new Int8Array(values.length);
  quantiseBlocks(values, columns, scales, multiples);
  expect(Array.from(multiples)).toEqual(golden.multiples);
});

it('dequantises within half a step of each block', () => {
  const [rows, columns] = [5, 70];
  const rng = new Rng(1);
  const values = Float32Array.from({ length: rows * columns }, () => rng.normal());
  const scales = blockScales(values, columns);
  const multiples = new Int8Array(values.length);
  quantiseBlocks(values, columns, scales, multiples);
  const back = dequantiseBlocks(multiples, columns, scales);
  expect(throughBlocks(values, columns)).toEqual(back);
  let [error, size] = [0, 0];
  back.forEach((value, i) => {
    const row = Math.floor(i / columns);
    const scale = scales[row * blocksOf(columns) + Math.floor((i % columns) / 32)] as number;
    const difference = Math.abs(value - (values[i] as number));
    // Half a step, and the rounding of a product to float32.
    expect(difference).toBeLessThanOrEqual(0.5 * scale * (1 + 1e-5));
    error += difference ** 2;
    size += (values[i] as number) ** 2;
  });
  // A step is uniform in error: largest/127/√12, with the largest of 32 normal values at about 2.1 σ.
  expect(Math.sqrt(error / size)).toBeGreaterThan(3e-3);
  expect(Math.sqrt(error / size)).toBeLessThan(6e-3);
});
