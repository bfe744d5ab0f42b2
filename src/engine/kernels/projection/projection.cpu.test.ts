import { describe, expect, it } from 'vitest';
import golden from '../shared/losses.golden.json';
import { PROJECTION_RANGE } from '../shared/range.testing';
import { projectionReference, projectionTransposeReference } from '../shared/reference.testing';
import { randomF32, relativeError, TWIN_TOLERANCE, unpackF32 } from '../shared/testing';
import { projectionCpu, projectionTransposeCpu } from './projection.cpu';

describe('projection twin', () => {
  for (const c of golden.projection) {
    const uL = unpackF32(c.uL);
    const uH = unpackF32(c.uH);
    it(`matches float64 for ${JSON.stringify(c.shape)}`, () => {
      const g = projectionCpu(unpackF32(c.x), uL, uH, c.shape);
      expect(relativeError(g, unpackF32(c.g))).toBeLessThan(TWIN_TOLERANCE);
    });
    it(`carries the gradient back for ${JSON.stringify(c.shape)}`, () => {
      const dx = projectionTransposeCpu(unpackF32(c.dg), uL, uH, c.shape);
      expect(relativeError(dx, unpackF32(c.dx))).toBeLessThan(TWIN_TOLERANCE);
    });
  }

  for (const shape of PROJECTION_RANGE) {
    it(`matches plain float64 loops for ${JSON.stringify(shape)}, and repeats to the bit`, () => {
      const { batch, rows, layers, hidden, rankL, rankH } = shape;
      const factors = 'perSample' in shape ? batch : 1;
      const uL = randomF32(factors * layers * rankL, 1);
      const uH = randomF32(factors * hidden * rankH, 2);
      const x = randomF32(batch * rows * layers * hidden, 3, 0.5);
      const dg = randomF32(batch * rows * rankL * rankH, 4, 0.5);
      const [g, dx] = [projectionCpu(x, uL, uH, shape), projectionTransposeCpu(dg, uL, uH, shape)];
      expect(relativeError(g, projectionReference(x, uL, uH, shape))).toBeLessThan(TWIN_TOLERANCE);
      expect(relativeError(dx, projectionTransposeReference(dg, uL, uH, shape))).toBeLessThan(TWIN_TOLERANCE);
      expect(projectionCpu(x, uL, uH, shape)).toEqual(g);
      expect(projectionTransposeCpu(dg, uL, uH, shape)).toEqual(dx);
    });
  }

  it('refuses factors of another shape', () => {
    const shape = { batch: 2, rows: 1, layers: 2, hidden: 3, rankL: 1, rankH: 2, perSample: true };
    const shared = () => projectionCpu(new Float32Array(12), new Float32Array(2), new Float32Array(6), shape);
    expect(shared).toThrow(/uL has 2 elements, expected 4 for \[2, 2, 1\]/);
  });
});
