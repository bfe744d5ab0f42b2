import { describe, expect, it } from 'vitest';
import { finished } from '../kernels/shared/eigen';
import { unpackF32 } from '../kernels/shared/testing';
import { principalAngleSteps } from './subspace';
import golden from './tucker.golden.json';

const principalAngles = (...of: Parameters<typeof principalAngleSteps>) =>
  finished(principalAngleSteps(...of));

describe('principal angles', () => {
  const a = unpackF32(golden.angles.a);
  const b = unpackF32(golden.angles.b);

  it('match scipy, small angles too, whichever span comes first', () => {
    for (const angles of [principalAngles(a, 6, b, 4, 30), principalAngles(b, 4, a, 6, 30)]) {
      expect(angles.length).toBe(4);
      angles.forEach((t, i) => {
        // Float32 columns are orthonormal to 1e-7; the smallest angles are 1e-4.
        expect(Math.abs(t - (golden.angles.want[i] as number))).toBeLessThan(5e-7);
      });
    }
  });

  it('are 0 for one span and π/2 for directions missed', () => {
    const e1 = new Float32Array([1, 0, 0]);
    const e2 = new Float32Array([0, -1, 0]);
    expect(principalAngles(e1, 1, e1, 1, 3)[0]).toBeCloseTo(0, 12);
    expect(principalAngles(e1, 1, e2, 1, 3)[0]).toBeCloseTo(Math.PI / 2, 12);
  });

  it('refuse more columns than dimensions', () => {
    expect(() => principalAngles(new Float32Array(6), 3, new Float32Array(2), 1, 2)).toThrow(
      /3 columns .* 2 dimensions/,
    );
  });
});
