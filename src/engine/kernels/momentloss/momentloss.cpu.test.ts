import { describe, expect, it } from 'vitest';
import golden from '../shared/losses.golden.json';
import { MOMENT_LOSS_RANGE, momentLossInputs } from '../shared/range.testing';
import { momentLossReference } from '../shared/reference.testing';
import { relativeError, TWIN_TOLERANCE, unpackF32 } from '../shared/testing';
import { momentLossCpu } from './momentloss.cpu';

describe('moment loss twin', () => {
  for (const c of golden.momentloss) {
    it(`matches autograd for ${JSON.stringify(c.shape)}`, () => {
      const got = momentLossCpu(unpackF32(c.g), unpackF32(c.muT), unpackF32(c.cT), c.shape, c.weights);
      expect(relativeError(got.loss, unpackF32(c.loss))).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(got.terms, unpackF32(c.terms))).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(got.dg, unpackF32(c.dg))).toBeLessThan(TWIN_TOLERANCE);
    });
  }

  for (const shape of MOMENT_LOSS_RANGE) {
    it(`matches plain float64 loops for ${JSON.stringify(shape)}, and repeats to the bit`, () => {
      const inputs = momentLossInputs(shape);
      const got = momentLossCpu(...inputs);
      const want = momentLossReference(...inputs);
      expect(relativeError(got.loss, want.loss)).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(got.terms, want.terms)).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(got.dg, want.dg)).toBeLessThan(TWIN_TOLERANCE);
      expect(momentLossCpu(...inputs)).toEqual(got);
    });
  }

  it('is zero, with zero gradient, where the moments agree', () => {
    const g = new Float32Array([1, 2, 3, 4]);
    // Two rows of two: mean (2, 3), second moments (5, 7, 10).
    const got = momentLossCpu(
      g,
      new Float32Array([2, 3]),
      new Float32Array([5, 7, 7, 10]),
      { batch: 1, steps: 2, rank: 2 },
      { mu: 1, c: 1 },
    );
    expect([...got.loss]).toEqual([0]);
    expect([...got.dg]).toEqual([0, 0, 0, 0]);
  });
});
