import { describe, expect, it } from 'vitest';
import golden from '../shared/losses.golden.json';
import { unpackF32 } from '../shared/testing';
import { gradNormCpu } from './gradnorm.cpu';

describe('gradient norm twin', () => {
  it('matches torch.nn.utils.clip_grad_norm_ over two tensors', () => {
    for (const c of golden.adamw) {
      c.grads.forEach((packed, i) => {
        const g = unpackF32(packed);
        const want = c.norms[i] as number;
        const [norm, clip, finite, squares] = gradNormCpu(
          [g.subarray(0, c.first), g.subarray(c.first)],
          c.maxNorm,
        );
        expect((norm as number) / want).toBeCloseTo(1, 6);
        expect(clip).toBeCloseTo(Math.min(1, c.maxNorm / (want + 1e-6)), 6);
        expect(finite).toBe(1);
        expect((squares as number) / want ** 2).toBeCloseTo(1, 6);
      });
    }
  });

  it('flags NaN, Inf, and a sum that leaves float32', () => {
    const fine = new Float32Array([3, 4]);
    expect([...gradNormCpu([fine], 1)].slice(2)).toEqual([1, 25]);
    expect(gradNormCpu([fine, new Float32Array([Number.NaN])], 1)[2]).toBe(0);
    expect(gradNormCpu([new Float32Array([-Infinity]), fine], 1)[2]).toBe(0);
    expect(gradNormCpu([new Float32Array([1e30])], 1)[2]).toBe(0);
  });

  it('flags a guard that is not finite and sums none', () => {
    const grads = [new Float32Array([3, 4])];
    expect(gradNormCpu(grads, 1, [new Float32Array([1e30])])).toEqual(gradNormCpu(grads, 1));
    expect(gradNormCpu(grads, 1, [new Float32Array([1, Number.NaN])])[2]).toBe(0);
  });

  it('clips nothing at Infinity and at zero gradient', () => {
    expect(gradNormCpu([new Float32Array([1e6])], Infinity)[1]).toBe(1);
    expect([...gradNormCpu([new Float32Array(3)], 1)]).toEqual([0, 1, 1, 0]);
  });

  it('refuses an empty list and a limit of 0', () => {
    expect(() => gradNormCpu([], 1)).toThrow(/at least one/);
    expect(() => gradNormCpu([new Float32Array(1)], 0)).toThrow(/above 0, got 0/);
  });
});
