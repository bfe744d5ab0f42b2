import { describe, expect, it } from 'vitest';
import golden from '../shared/losses.golden.json';
import { relativeError, unpackF32 } from '../shared/testing';
import { adamWCpu } from './adamw.cpu';

// The gradient norm of a step, by hand: this test stands on its own.
const normOf = (g: Float32Array, maxNorm: number) => {
  const norm = Math.sqrt(g.reduce((s, x) => s + x * x, 0));
  return new Float32Array([norm, Math.min(1, maxNorm / (norm + 1e-6)), 1, norm * norm]);
};

describe('AdamW twin', () => {
  for (const c of golden.adamw) {
    it(`follows torch.optim.AdamW over ${c.grads.length} steps of ${c.first + c.second} parameters`, () => {
      const param = unpackF32(c.param);
      const m = new Float32Array(param.length);
      const v = new Float32Array(param.length);
      c.grads.forEach((packed, i) => {
        const grad = unpackF32(packed);
        adamWCpu(param, grad, m, v, normOf(grad, c.maxNorm), { ...c.settings, step: i + 1 });
      });
      // State is kept in float32 between steps: a few roundings of 6e-8.
      expect(relativeError(param, unpackF32(c.paramAfter))).toBeLessThan(1e-6);
      expect(relativeError(m, unpackF32(c.mAfter))).toBeLessThan(1e-6);
      expect(relativeError(v, unpackF32(c.vAfter))).toBeLessThan(1e-6);
    });
  }

  const settings = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 };

  it('touches nothing where the gradient is not finite', () => {
    const [param, m, v] = [
      new Float32Array([1, 2]),
      new Float32Array([0.1, 0.2]),
      new Float32Array([0.3, 0.4]),
    ];
    const before = [[...param], [...m], [...v]];
    const norm = new Float32Array([Number.NaN, Number.NaN, 0, Number.NaN]);
    adamWCpu(param, new Float32Array([Number.NaN, 1]), m, v, norm, { ...settings, step: 3 });
    expect([[...param], [...m], [...v]]).toEqual(before);
  });

  it('refuses step 0', () => {
    const z = new Float32Array(1);
    expect(() => adamWCpu(z, z, z, z, new Float32Array(4), { ...settings, step: 0 })).toThrow(
      /a positive integer, got 0/,
    );
  });
});
