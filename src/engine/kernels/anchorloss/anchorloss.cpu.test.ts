import { describe, expect, it } from 'vitest';
import golden from '../shared/losses.golden.json';
import { ANCHOR_LOSS_RANGE } from '../shared/range.testing';
import { anchorLossReference } from '../shared/reference.testing';
import { randomF32, relativeError, TWIN_TOLERANCE, unpackF32 } from '../shared/testing';
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

  for (const shape of ANCHOR_LOSS_RANGE) {
    it(`matches plain float64 loops for ${JSON.stringify(shape)}, and repeats to the bit`, () => {
      const { batch, layers, hidden, rank } = shape;
      const inputs = [
        randomF32(batch * layers * hidden, 1),
        randomF32(batch * layers * rank, 2, 1),
        randomF32(hidden * rank, 3),
        randomF32(layers, 4).map((x) => Math.abs(x) + 0.5),
      ] as const;
      const got = anchorLossCpu(...inputs, shape);
      const want = anchorLossReference(...inputs, shape);
      expect(relativeError(got.loss, want.loss)).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(got.dh, want.dh)).toBeLessThan(TWIN_TOLERANCE);
      expect(anchorLossCpu(...inputs, shape)).toEqual(got);
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
