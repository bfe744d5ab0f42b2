import { describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng';
import { finished } from './eigen';
import { blockedPanel, gramSteps, plainPanel } from './gram';

const data = (length: number): Float32Array => {
  const rng = new Rng(7).fork('gram');
  // A few large entries, as hidden states have.
  return Float32Array.from({ length }, (_, i) => rng.normal() * (i % 97 === 0 ? 300 : 1));
};

/** The lower triangle, in which each entry is one sum in order. */
const lower = (gram: Float64Array, n: number): number[] =>
  Array.from({ length: n }, (_, i) => Array.from(gram.subarray(i * n, i * n + i + 1))).flat();

describe('the Gram matrix', () => {
  it.each([
    [33, 5],
    [64, 300],
    [61, 257],
    [38, 1],
  ])('of %i rows and %i columns has the same bits in WebAssembly as in TypeScript', (n, depth) => {
    const x = data(n * depth);
    const [a, b] = [plainPanel, blockedPanel].map((make) => {
      const out = new Float64Array(n * n).fill(0.25);
      const panel = make(n, depth);
      for (const scale of [1, 0.5]) {
        panel.fill(x, 0, depth, 1, n, scale);
        for (let row = 0; row < n; row += 12) panel.add(out, depth, row, Math.min(n, row + 12));
      }
      return lower(out, n);
    }) as [number[], number[]];
    expect(b).toEqual(a);
    const [i, j] = [n - 1, n - 2];
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += (x[k * n + i] as number) * (x[k * n + j] as number);
    expect(b[(i * (i + 1)) / 2 + j]).toBeCloseTo(0.25 + 1.25 * sum, 6);
  });

  it('is the same however the data lies', () => {
    const [n, depth] = [40, 600];
    const x = data(n * depth);
    const turned = Float32Array.from(x, (_, at) => x[(at % depth) * n + Math.floor(at / depth)] as number);
    const [a, b] = [new Float64Array(n * n), new Float64Array(n * n)];
    finished(gramSteps(a, x, 0, n, depth, 1, n));
    finished(gramSteps(b, turned, 0, n, depth, depth, 1));
    expect(lower(b, n)).toEqual(lower(a, n));
  });
});
