import { describe, expect, it } from 'vitest';
import { Rng } from './rng';

const take = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);

/** Correlation of two lists of uniforms. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const centred = (x: readonly number[]) => {
    const mean = x.reduce((s, v) => s + v, 0) / x.length;
    return x.map((v) => v - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  const dot = (p: readonly number[], q: readonly number[]) =>
    p.reduce((s, v, i) => s + v * (q[i] as number), 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

describe('Rng', () => {
  // Printed by another implementation of splitmix32 and xoshiro128** (which gives 11520, 0, 5927040, 70819200 for the
  // state 1, 2, 3, 4, as the authors' does).
  const KNOWN: [number, number[]][] = [
    [0, [1789933344, 44971166, 2521387044, 3848737593, 1138324114]],
    [1, [393288148, 2174103013, 3814759091, 2092745082, 1865176206]],
    [3735928559, [3842467093, 879304004, 3694663928, 2788030634, 934155191]],
  ];
  it.each(KNOWN)('gives the known sequence for seed %i', (seed, expected) => {
    const rng = new Rng(seed);
    expect(take(5, () => rng.bits())).toEqual(expected);
  });

  it('takes 53 bits for a uniform, and a label for a stream', () => {
    expect(new Rng(1).uniform()).toBe(0.09156953175513294);
    expect(new Rng(1).fork('samples').bits()).toBe(918054834);
  });

  it('is uniform over [0, 1) and over integers', () => {
    const rng = new Rng(5);
    const n = 20_000;
    const xs = take(n, () => rng.uniform());
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...xs)).toBeLessThan(1);
    // χ² of 16 bins: 15 degrees of freedom, 99.9 % lie below 37.7.
    const bins = new Array<number>(16).fill(0);
    for (const x of xs) bins[Math.floor(16 * x)] = (bins[Math.floor(16 * x)] as number) + 1;
    const chi = bins.reduce((s, b) => s + (b - n / 16) ** 2 / (n / 16), 0);
    expect(chi).toBeLessThan(37.7);
    // Standard error of a lag correlation is 1/√n = 0.007.
    expect(Math.abs(correlation(xs.slice(1), xs.slice(0, -1)))).toBeLessThan(0.03);

    const counts = new Map<number, number>();
    for (const k of take(7000, () => rng.integer(-3, 3))) counts.set(k, (counts.get(k) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(take(5, () => rng.integer(4, 4))).toEqual([4, 4, 4, 4, 4]);
  });

  it('draws normals of mean 0, deviation 1 and no skew', () => {
    const rng = new Rng(6);
    const n = 20_000;
    const xs = take(n, () => rng.normal());
    const moment = (k: number) => xs.reduce((s, x) => s + x ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(0.03);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.05);
    expect(Math.abs(moment(3))).toBeLessThan(0.1);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.3);
    expect(xs.every(Number.isFinite)).toBe(true);
  });

  it('forks streams that neither depend on nor disturb one another', () => {
    const rng = new Rng(7);
    const before = take(4, () => rng.fork('a').bits());
    expect(new Set(before).size).toBe(1);
    take(100, () => rng.bits());
    expect(rng.fork('a').bits()).toBe(before[0]);
    const untouched = new Rng(7);
    untouched.fork('a').uniform();
    expect(untouched.bits()).toBe(new Rng(7).bits());

    const streams = ['a', 'b', 'ab', 'ba', '', 'epoch 1', 'epoch 10'].map((label) => {
      const stream = rng.fork(label);
      return take(4000, () => stream.uniform());
    });
    const parent = new Rng(7);
    streams.push(take(4000, () => parent.uniform()));
    for (const [i, a] of streams.entries())
      for (const b of streams.slice(0, i)) expect(Math.abs(correlation(a, b))).toBeLessThan(0.08);
  });

  it('gives different streams for different seeds, even neighbours', () => {
    const firsts = take(1000, () => 0).map((_, seed) => new Rng(seed).bits());
    expect(new Set(firsts).size).toBe(1000);
    const forked = take(1000, () => 0).map((_, seed) => new Rng(seed).fork('batches').bits());
    expect(new Set(forked).size).toBe(1000);
  });

  it('shuffles uniformly without changing the given list', () => {
    const items = Object.freeze([1, 2, 3, 4]);
    const rng = new Rng(8);
    const counts = new Map<string, number>();
    for (const order of take(4800, () => rng.shuffle(items))) {
      expect([...order].sort()).toEqual(items);
      counts.set(order.join(''), (counts.get(order.join('')) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // χ² of 24 orders: 23 degrees of freedom, 99.9 % lie below 49.7.
    expect([...counts.values()].reduce((s, c) => s + (c - 200) ** 2 / 200, 0)).toBeLessThan(49.7);
    expect(rng.shuffle([])).toEqual([]);
  });

  it('picks every item, and nothing from an empty list', () => {
    const rng = new Rng(9);
    expect(new Set(take(100, () => rng.pick(['x', 'y', 'z'])))).toEqual(new Set(['x', 'y', 'z']));
    expect(() => rng.pick([])).toThrow('cannot pick from an empty list');
  });
});
