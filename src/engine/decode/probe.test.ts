import { describe, expect, it } from 'vitest';
import { NumericError } from '../base/errors';
import { Rng } from '../base/rng';
import { topProbabilities } from './probe';

describe('topProbabilities', () => {
  it('of equal logits are 1/V each, with the entropy ln V', () => {
    for (const V of [1, 2, 397]) {
      const { top, entropy } = topProbabilities(new Float32Array(V).fill(-3.5), 5);
      expect(entropy).toBeCloseTo(Math.log(V), 10);
      expect(top).toHaveLength(Math.min(5, V));
      for (const { probability } of top) expect(probability).toBeCloseTo(1 / V, 12);
      expect(top.map((x) => x.id)).toEqual(top.map((_, i) => i));
    }
  });

  it('are those of the softmax, largest first, and sum to at most 1', () => {
    const rng = new Rng(3);
    const logits = Float32Array.from({ length: 50 }, () => 4 * rng.normal());
    const exps = Array.from(logits, (x) => Math.exp(x));
    const sum = exps.reduce((a, b) => a + b, 0);
    const { top, entropy } = topProbabilities(logits, 7);
    const order = Array.from(exps.keys()).sort((a, b) => (exps[b] as number) - (exps[a] as number));
    expect(top.map((x) => x.id)).toEqual(order.slice(0, 7));
    for (const { id, probability } of top) expect(probability).toBeCloseTo((exps[id] as number) / sum, 12);
    expect(entropy).toBeCloseTo(-exps.reduce((s, e) => s + (e / sum) * Math.log(e / sum), 0), 10);
    for (let k = 0; k <= 60; k += 10) {
      const share = topProbabilities(logits, k).top.reduce((s, x) => s + x.probability, 0);
      expect(share).toBeLessThanOrEqual(1 + 1e-12);
      if (k >= 50) expect(share).toBeCloseTo(1, 12);
    }
  });

  it('stand large logits, and certainty', () => {
    const { top, entropy } = topProbabilities(Float32Array.of(3e38, -3e38, 0), 3);
    expect(top[0]).toEqual({ id: 0, probability: 1 });
    expect(entropy).toBe(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuse a logit of %d', (bad) => {
    expect(() => topProbabilities(Float32Array.of(1, bad, 2), 2)).toThrow(NumericError);
    expect(() => topProbabilities(Float32Array.of(1, bad, 2), 2)).toThrow(`a logit of the model is ${bad}`);
  });
});
