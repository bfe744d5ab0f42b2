import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../base/errors';
import golden from '../shared/losses.golden.json';
import { MOMENTS_RANGE, momentsInput } from '../shared/range.testing';
import { momentsReference } from '../shared/reference.testing';
import { relativeError, sameBits, TWIN_TOLERANCE, unpackF32 } from '../shared/testing';
import { momentsCpu } from './moments.cpu';

describe('moments twin', () => {
  for (const c of golden.moments) {
    it(`matches float64 for ${JSON.stringify(c.shape)}`, () => {
      const { mu, c: cov } = momentsCpu(unpackF32(c.g), c.shape);
      expect(relativeError(mu, unpackF32(c.mu))).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(cov, unpackF32(c.c))).toBeLessThan(TWIN_TOLERANCE);
    });
  }

  for (const shape of MOMENTS_RANGE) {
    it(`matches plain float64 loops for ${JSON.stringify(shape)}, and repeats to the bit`, () => {
      const data = momentsInput(shape);
      const got = momentsCpu(data, shape);
      const want = momentsReference(data, shape);
      expect(relativeError(got.mu, want.mu)).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(got.c, want.c)).toBeLessThan(TWIN_TOLERANCE);
      expect(sameBits(momentsCpu(data, shape).c, got.c)).toBe(true);
    });
  }

  it('passes NaN on to its own sample alone', () => {
    const { mu } = momentsCpu(new Float32Array([1, Number.NaN, 3, 4]), { batch: 2, rows: 1, rank: 2 });
    expect([...mu]).toEqual([1, Number.NaN, 3, 4]);
  });

  it('refuses a wrong length and an empty dimension', () => {
    expect(() => momentsCpu(new Float32Array(5), { batch: 1, rows: 2, rank: 3 })).toThrow(ShapeError);
    expect(() => momentsCpu(new Float32Array(0), { batch: 1, rows: 0, rank: 3 })).toThrow(/rows .* got 0/);
  });
});
