import { describe, expect, it } from 'vitest';
import { CancelledError } from '../base/errors';
import { unpackF32 } from '../kernels/shared/testing';
import { energyRank, sampleSpectra, spectrumOf } from './spectra';
import golden from './tucker.golden.json';

describe('spectra', () => {
  it('match scipy on samples of different length', async () => {
    const progress: number[] = [];
    const spectra = await sampleSpectra(golden.samples.map(unpackF32), golden.hidden, {
      onProgress: (p) => progress.push(p),
    });
    expect(progress).toEqual([1 / 3, 2 / 3, 1]);
    spectra.forEach((s, b) => {
      const want = golden.sigma[b] as number[];
      const first = want[0] as number;
      expect(s.sigma.length).toBe(want.length);
      want.forEach((x, i) => {
        expect(Math.abs((s.sigma[i] as number) - x) / first).toBeLessThan(1e-6);
      });
      (golden.cumulative[b] as number[]).forEach((x, i) => {
        expect(s.cumulative[i]).toBeCloseTo(x, 6);
      });
      expect(s.effectiveRank).toBeCloseTo(golden.effectiveRank[b] as number, 4);
      expect(s.stableRank).toBeCloseTo(golden.stableRank[b] as number, 5);
      expect(s.energyRanks).toEqual(golden.energyRanks[b]);
    });
  });

  it('count equal values as full rank, one value as rank 1, and zeros as 0', () => {
    const flat = spectrumOf(new Float32Array([2, 2, 2, 2]));
    expect(flat.effectiveRank).toBeCloseTo(4, 12);
    expect(flat.stableRank).toBeCloseTo(4, 12);
    expect(flat.energyRanks).toEqual([4, 4, 4, 4]);
    const one = spectrumOf(new Float32Array([3, 0, 0]));
    expect([one.effectiveRank, one.stableRank, one.energyRanks[3]]).toEqual([1, 1, 1]);
    const none = spectrumOf(new Float32Array(3));
    expect([none.effectiveRank, none.stableRank, ...none.energyRanks, ...none.cumulative]).toEqual(
      Array(9).fill(0),
    );
  });

  it('refuse a share outside (0, 1], a torn sample, and stop when asked', async () => {
    expect(() => energyRank([1], 1.5)).toThrow(/got 1.5/);
    await expect(sampleSpectra([new Float32Array(7)], 3)).rejects.toThrow(/sample 0 has 7 elements/);
    const stop = AbortSignal.abort();
    await expect(sampleSpectra([new Float32Array(6)], 3, { signal: stop })).rejects.toThrow(CancelledError);
  });
});
