import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPU_TOLERANCE, randomF32, TestBench } from '../shared/gpu.testing';
import { MOMENTS_RANGE, momentsInput } from '../shared/range.testing';
import { momentsReference } from '../shared/reference.testing';
import { relativeError, sameBits } from '../shared/testing';
import { createMoments, type MomentsKernel } from './moments';
import { momentsCpu } from './moments.cpu';

let bench: TestBench;
let kernel: MomentsKernel;
beforeAll(async () => {
  bench = await TestBench.open();
  kernel = await createMoments(bench.device);
});
afterAll(() => bench.close());

const run = async (data: Float32Array, shape: { batch: number; rows: number; rank: number }) => {
  const g = bench.input(data);
  const mu = bench.output(shape.batch * shape.rank);
  const c = bench.output(shape.batch * shape.rank ** 2);
  bench.run((batch) => kernel(batch, g, mu, c, shape));
  return { mu: await bench.read(mu), c: await bench.read(c) };
};

describe('moments on the GPU', () => {
  for (const [batch, rows, rank, offset] of [
    [1, 1, 1, 0],
    [3, 5, 15, 0],
    [2, 16, 16, 0],
    [2, 17, 33, 10],
    [1, 2000, 6, 0.3],
    [70, 2, 3, 0],
  ] as const) {
    it(`matches the twin for B ${batch}, M ${rows}, R ${rank}`, async () => {
      const shape = { batch, rows, rank };
      const data = randomF32(batch * rows * rank, rows, offset);
      const got = await run(data, shape);
      const want = momentsCpu(data, shape);
      expect(relativeError(got.mu, want.mu)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.c, want.c)).toBeLessThan(GPU_TOLERANCE);
      expect(await run(data, shape), 'bits differ between two runs').toEqual(got);
    });
  }

  for (const shape of MOMENTS_RANGE) {
    it(`is within the gate of float64 for ${JSON.stringify(shape)}, and repeats to the bit`, async () => {
      const data = momentsInput(shape);
      const got = await run(data, shape);
      const want = momentsReference(data, shape);
      expect(relativeError(got.mu, want.mu)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.c, want.c)).toBeLessThan(GPU_TOLERANCE);
      const again = await run(data, shape);
      expect([sameBits(again.mu, got.mu), sameBits(again.c, got.c)]).toEqual([true, true]);
    });
  }

  it('is exact for constants and keeps NaN to its sample', async () => {
    const flat = await run(new Float32Array(24).fill(0.5), { batch: 2, rows: 4, rank: 3 });
    expect([...new Set(flat.mu)]).toEqual([0.5]);
    expect([...new Set(flat.c)]).toEqual([0.25]);
    const data = randomF32(2 * 4 * 3, 5);
    data[1] = Number.NaN;
    const got = await run(data, { batch: 2, rows: 4, rank: 3 });
    expect(got.mu[1]).toBeNaN();
    expect([...got.mu.subarray(3)].every(Number.isFinite)).toBe(true);
    expect([...got.c.subarray(9)].every(Number.isFinite)).toBe(true);
  });

  it('refuses buffers that are too small', async () => {
    const small = bench.output(4);
    const call = () => bench.run((b) => kernel(b, small, small, small, { batch: 1, rows: 5, rank: 1 }));
    expect(call).toThrow(/buffer g has 16 bytes, expected 20/);
  });
});
