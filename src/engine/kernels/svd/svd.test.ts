import { describe, expect, it } from 'vitest';
import { CancelledError, NumericError, ShapeError } from '../../base/errors';
import { caseMatrix } from './cases';
import { svd } from './svd';
import { svdCpu } from './svd.cpu';

const shape = { batch: 3, rows: 5, cols: 4, r: 2 };
const a = caseMatrix('decay', 15, 4, 1);

describe('svd without a device', () => {
  it('gives what the twin gives, with progress', async () => {
    const progress: number[] = [];
    const got = await svd(a, shape, { onProgress: (p) => progress.push(p) });
    expect(got).toEqual(svdCpu(a, shape));
    expect(progress).toEqual([1 / 3, 2 / 3, 1]);
  });

  it('stops between matrices', async () => {
    const stop = new AbortController();
    const run = svd(a, shape, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(run).rejects.toThrow(CancelledError);
  });

  it('rejects, and does not throw, on a bad request', async () => {
    await expect(svd(a, { ...shape, batch: 0 })).rejects.toThrow(ShapeError);
    await expect(svd(a.slice().fill(Infinity), shape)).rejects.toThrow(NumericError);
  });
});
