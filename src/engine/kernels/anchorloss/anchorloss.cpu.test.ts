import { describe, expect, it } from 'vitest';
import golden from '../shared/losses.golden.json';
import { relativeError, TWIN_TOLERANCE, unpackF32 } from '../shared/testing';
import { anchorLossCpu } from './anchorloss.cpu';

describe('anchor loss twin', () => {
  for (const c of golden.anchorloss) {
    it(`matches autograd for ${JSON.stringify(c.shape)}`, () => {
      const got = anchorLossCpu(
        unpackF32(c.h),
        unpackF32(c.target),
        unpackF32(c.uH),
        unpackF32(c.layerScale),
        c.shape,
      );
      expect(relativeError(got.loss, unpackF32(c.loss))).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(got.dh, unpackF32(c.dh))).toBeLessThan(TWIN_TOLERANCE);
    });
  }

  it('refuses a target of another rank', () => {
    const shape = { batch: 1, layers: 2, hidden: 3, rank: 2 };
    const call = () =>
      anchorLossCpu(
        new Float32Array(6),
        new Float32Array(6),
        new Float32Array(6),
        new Float32Array(2),
        shape,
      );
    expect(call).toThrow(/target has 6 elements, expected 4 for \[1, 2, 2\]/);
  });
});
