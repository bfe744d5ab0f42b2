import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, NumericError, TooLargeError } from '../../base/errors';
import { TestBench } from '../shared/gpu.testing';
import { caseMatrix } from './cases';
import { lowered } from './large.testing';
import { smallScratch } from './small';
import { KERNELS, svd, svdOnGpu } from './svd';
import { thinScratch } from './thin';

let bench: TestBench;
beforeAll(async () => {
  bench = await TestBench.open();
});
afterAll(() => bench.close());

const many = (batch: number, rows: number, cols: number) => {
  const a = new Float32Array(batch * rows * cols);
  for (let i = 0; i < batch; i++) a.set(caseMatrix('decay', rows, cols, i + 1), i * rows * cols);
  return a;
};

describe('matrices that go to the GPU together', () => {
  for (const [way, batch, rows, cols] of [
    ['thin', 7, 9, 14],
    ['small', 5, 40, 35],
  ] as const) {
    const r = 3;
    const shape = { batch, rows, cols, r };
    const a = many(batch, rows, cols);

    /** An adapter with room for two. */
    const small = () => {
      const scratch = (way === 'thin' ? thinScratch : smallScratch)(bench.device, { ...shape, batch: 1 });
      return lowered(bench.device, 2 * Math.max(scratch, 4 * rows * cols) + 60);
    };

    it(`are ${way}: each as it is alone, to the bit, in lots that fit the adapter`, async () => {
      const device = small();
      const progress: number[] = [];
      const before = device.liveBuffers;
      const all = await svdOnGpu(device, a, shape, { onProgress: (p) => progress.push(p) });
      expect(all.kernel).toBe(KERNELS[way]);
      expect(device.liveBuffers).toBe(before);
      const lots = Math.ceil(batch / 2);
      expect(progress).toEqual(Array.from({ length: lots }, (_, i) => Math.min(1, (2 * (i + 1)) / batch)));
      const k = Math.min(rows, cols);
      for (const i of [0, 2, batch - 1]) {
        const one = a.subarray(i * rows * cols, (i + 1) * rows * cols);
        const alone = await svdOnGpu(bench.device, one, { ...shape, batch: 1 });
        expect([...all.u.subarray(i * rows * r, (i + 1) * rows * r)]).toEqual([...alone.u]);
        expect([...all.sigma.subarray(i * k, (i + 1) * k)]).toEqual([...alone.sigma]);
      }
    });

    it(`are ${way}: one with Inf is named, leading values are cut, a cancelled run leaks nothing`, async () => {
      const device = small();
      const before = device.liveBuffers;
      const hurt = a.slice();
      hurt[4 * rows * cols + 3] = Number.POSITIVE_INFINITY;
      const bad = svdOnGpu(device, hurt, shape);
      await expect(bad).rejects.toThrow(NumericError);
      await expect(bad).rejects.toThrow(/matrix 4/);
      const stop = new AbortController();
      const stopped = svdOnGpu(device, a, shape, { signal: stop.signal, onProgress: () => stop.abort() });
      await expect(stopped).rejects.toThrow(CancelledError);
      expect(device.liveBuffers).toBe(before);
      const leading = await svdOnGpu(bench.device, a, shape, { want: 'leading' });
      const all = await svdOnGpu(bench.device, a, shape);
      expect([leading.values, leading.sigma.length]).toEqual([r, batch * r]);
      expect(leading.sigma[r]).toBe(all.sigma[all.values]);
    });
  }
});

it('says that a matrix does not fit', async () => {
  const run = svdOnGpu(lowered(bench.device, 4000), many(1, 150, 140), {
    batch: 1,
    rows: 150,
    cols: 140,
    r: 0,
  });
  await expect(run).rejects.toThrow(TooLargeError);
  await expect(run).rejects.toThrow(/150 × 140 matrix is larger than this GPU can take/);
});

it('takes the CPU on a software adapter', async () => {
  if (!bench.device.info.isFallback) return;
  const before = bench.device.submits;
  const { kernel } = await svd(
    many(1, 300, 140),
    { batch: 1, rows: 300, cols: 140, r: 1 },
    { device: bench.device },
  );
  expect([kernel, bench.device.submits]).toEqual([KERNELS.cpu, before]);
});
