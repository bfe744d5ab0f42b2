import { describe, expect, it } from 'vitest';
import { NumericError } from '../base/errors';
import { unpackF32 } from '../kernels/shared/testing';
import { svdCpu } from '../kernels/svd/svd.cpu';
import { energyRank, spectrumOf } from './spectra';
import golden from './tucker.golden.json';

describe('spectra', () => {
  it('match scipy on samples of different length', () => {
    const spectra = golden.samples.map(unpackF32).map((x) => {
      const shape = { batch: 1, rows: x.length / golden.hidden, cols: golden.hidden, r: 0 };
      return spectrumOf(svdCpu(x, shape).sigma);
    });
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

  it.each([Number.POSITIVE_INFINITY, Number.NaN])('refuse a singular value of %s: no NaN is shown', (bad) => {
    expect(() => spectrumOf(Float32Array.of(3, bad, 1))).toThrow(NumericError);
    expect(() => spectrumOf(Float32Array.of(3, bad, 1))).toThrow(`singular value 2 of 3 is ${bad}`);
  });

  it('refuse a share outside (0, 1]', () => {
    expect(() => energyRank([1], 1.5)).toThrow(/got 1.5/);
    expect(() => energyRank([1], 0)).toThrow(/got 0/);
  });
});
