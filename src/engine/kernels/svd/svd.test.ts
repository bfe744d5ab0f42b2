import { describe, expect, it } from 'vitest';
import { CancelledError, NumericError, ShapeError } from '../../base/errors';
import type { Device } from '../../device/device';
import { caseMatrix } from './cases';
import { KERNELS, suitsGpu, svd } from './svd';
import { svdCpu } from './svd.cpu';

const shape = { batch: 3, rows: 5, cols: 4, r: 2 };
const a = caseMatrix('decay', 15, 4, 1);

describe('svd without a device', () => {
  it('gives the CPU twin’s result, with progress', async () => {
    const progress: number[] = [];
    const got = await svd(a, shape, { onProgress: (p) => progress.push(p) });
    expect(got).toEqual({ ...svdCpu(a, shape), values: 4, kernel: KERNELS.cpu });
    expect(progress).toEqual([1 / 3, 2 / 3, 1]);
  });

  it('stops between matrices', async () => {
    const stop = new AbortController();
    const run = svd(a, shape, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(run).rejects.toThrow(CancelledError);
  });

  it('yields inside a matrix, and can be cancelled there', async () => {
    const one = { batch: 1, rows: 420, cols: 400, r: 0 };
    const big = caseMatrix('white', one.rows, one.cols, 7);
    const progress: number[] = [];
    const stop = new AbortController();
    // Not from `onProgress`, which would prove nothing: a timer fires only where the loop is left to the others.
    setTimeout(() => stop.abort());
    const run = svd(big, one, { signal: stop.signal, onProgress: (p) => progress.push(p) });
    await expect(run).rejects.toThrow(CancelledError);
    expect(progress.length).toBe(1);
    expect(progress[0]).toBeLessThan(0.99);
  });

  it('gives as many leading values as vectors', async () => {
    const all = svdCpu(a, shape);
    const got = await svd(a, shape, { want: 'leading' });
    expect([got.values, got.sigma.length, ...got.rank]).toEqual([2, 6, 2, 2, 2]);
    for (let b = 0; b < 3; b++) {
      expect([...got.sigma.subarray(2 * b, 2 * b + 2)]).toEqual([...all.sigma.subarray(4 * b, 4 * b + 2)]);
    }
    expect(got.u).toEqual(all.u);
    await expect(svd(a, { ...shape, r: 0 }, { want: 'leading' })).rejects.toThrow(/r = 0 leading values/);
  });

  it('rejects, and does not throw, on a bad request', async () => {
    await expect(svd(a, { ...shape, batch: 0 })).rejects.toThrow(ShapeError);
    await expect(svd(a.slice().fill(Infinity), shape)).rejects.toThrow(NumericError);
  });
});

it('finite entries whose singular values are beyond float32 are an error, not an infinity', async () => {
  const large = new Float32Array(4 * 3).fill(3e38);
  await expect(svd(large, { batch: 1, rows: 4, cols: 3, r: 0 })).rejects.toThrow(NumericError);
  await expect(svd(large, { batch: 1, rows: 4, cols: 3, r: 1 })).rejects.toThrow(
    /beyond the range of float32/,
  );
});

describe('what goes to a GPU', () => {
  const fake = (isFallback: boolean, bytes: number) =>
    ({
      info: { isFallback },
      limits: { maxStorageBufferBindingSize: bytes, maxBufferSize: 2 * bytes },
    }) as Device;
  const gpu = fake(false, 2 ** 27);

  it('is what pays off and fits', () => {
    const on = (batch: number, rows: number, cols: number, device = gpu) =>
      suitsGpu(device, { batch, rows, cols, r: 4 });
    expect(on(32, 32, 128)).toBe(true);
    expect(on(1, 480, 896)).toBe(true);
    expect(on(128, 2000, 2048)).toBe(true);
    expect(on(1, 8, 100_000)).toBe(true);
    expect(on(1, 128, 60_000)).toBe(true);
    // Done on the CPU before an answer could be read back.
    expect(on(1, 32, 128)).toBe(false);
    // Too near to square, or too small, for float32 to reach the gates; their neighbours are not.
    expect(on(128, 128, 128)).toBe(false);
    expect(on(128, 48, 40)).toBe(false);
    expect(on(32, 160, 128)).toBe(true);
    expect(on(32, 200, 150)).toBe(false);
    expect(on(32, 260, 300)).toBe(true);
    // A software adapter.
    expect(on(1, 480, 896, fake(true, 2 ** 27))).toBe(false);
    // 2000·2048 floats of W alone are 16 MiB.
    expect(on(1, 2000, 2048, fake(false, 2 ** 24))).toBe(false);
    expect(on(1, 2000, 2048, fake(false, 2 ** 25))).toBe(true);
  });

  it('falls back to the CPU if one matrix does not fit', async () => {
    const wide = { batch: 1, rows: 64, cols: 400, r: 1 };
    const got = await svd(caseMatrix('decay', 64, 400, 2), wide, { device: fake(false, 4096) });
    expect(got.kernel).toBe(KERNELS.cpu);
  });
});
