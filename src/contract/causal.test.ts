import { describe, expect, it } from 'vitest';
import { clearestContrast, compareCausal, directionsKept, sufficientRank, undetectedRank } from './causal';
import type { CausalPoint } from './lens';

/** 100 problems; `wrong` are those answered wrongly. */
const outcomes = (wrong: readonly number[]) =>
  Uint8Array.from({ length: 100 }, (_, i) => (wrong.includes(i) ? 0 : 1));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const point = (
  rank: number,
  directions: CausalPoint['directions'],
  wrong: readonly number[],
): CausalPoint => ({
  rank,
  directions,
  outcomes: outcomes(wrong),
  accuracy: { correct: 100 - wrong.length, total: 100, share: 1 - wrong.length / 100, low: 0, high: 1 },
  kept: [],
});
const whole = { wholeOutcomes: outcomes(range(0, 10)), hidden: 64 };

describe('the comparisons of a causal test', () => {
  it('are paired by problem: equal shares can hide no difference or a clear one', () => {
    const same = compareCausal({ ...whole, points: [point(8, 'leading', range(0, 10))] });
    expect(same).toMatchObject([{ rank: 8, with: 'whole', difference: 0, gained: 0, lost: 0, p: 1 }]);
    // Ten others wrong: equal shares, and 20 discordant problems.
    const others = compareCausal({ ...whole, points: [point(8, 'leading', range(50, 60))] });
    expect(others).toMatchObject([{ difference: 0, gained: 10, lost: 10, p: 1 }]);
    expect(others[0]!.low).toBeLessThan(same[0]!.low);
  });

  it('are corrected for their number: a difference that one comparison finds is not found by six', () => {
    // 6 lost and none gained: p = 2/2⁶ = 0.031.
    const wrong = [...range(0, 10), ...range(20, 26)];
    const one = compareCausal({ ...whole, points: [point(8, 'leading', wrong)] });
    expect(one[0]!.p).toBeCloseTo(0.03125, 12);
    const points = [1, 2, 4, 8, 16, 32].map((rank) => point(rank, 'leading', wrong));
    for (const { p } of compareCausal({ ...whole, points })) expect(p).toBeCloseTo(6 * 0.03125, 12);
  });

  it('leave out rank H, and controls that were not tried', () => {
    const points = [
      point(4, 'leading', []),
      point(4, 'equal-energy', range(0, 50)),
      point(64, 'leading', []),
      point(64, 'random', []),
    ];
    expect(compareCausal({ ...whole, points }).map((c) => [c.rank, c.with])).toEqual([
      [4, 'whole'],
      [4, 'equal-energy'],
    ]);
  });

  it('find a sufficient rank only where the interval excludes a loss of 5 %', () => {
    const at = (losses: readonly (readonly [number, number])[]) =>
      compareCausal({
        ...whole,
        points: losses.map(([rank, lost]) => point(rank, 'leading', range(0, 10 + lost))),
      });
    // With one problem lost of 100 the interval reaches to −5.4 %.
    expect(sufficientRank(at([[2, 0]]))).toBe(2);
    expect(sufficientRank(at([[2, 1]]))).toBeNull();
    expect(undetectedRank(at([[2, 1]]))).toBe(2);
    // A rank that fails ends it, whatever smaller ones do.
    const mixed = at([
      [2, 0],
      [4, 30],
      [8, 0],
      [16, 0],
    ]);
    expect([sufficientRank(mixed), undetectedRank(mixed)]).toEqual([8, 8]);
    expect(undetectedRank(at([[2, 30]]))).toBeNull();
  });

  it('name the clearest of the contrasts found', () => {
    const comparisons = compareCausal({
      ...whole,
      points: [
        point(4, 'leading', range(0, 60)),
        point(4, 'random', range(0, 99)),
        point(4, 'equal-energy', range(0, 62)),
        point(8, 'leading', range(0, 10)),
        point(8, 'random', range(0, 90)),
        point(8, 'equal-energy', range(0, 11)),
      ],
    });
    expect(clearestContrast(comparisons, 'random')).toMatchObject({ rank: 8, gained: 80, lost: 0 });
    expect(clearestContrast(comparisons, 'equal-energy')).toBeNull();
  });

  it('say how many directions were kept over the layers', () => {
    const kept = (...counts: number[]) => ({
      kept: counts.map((directions, i) => ({ layer: i + 1, directions, energy: 0.5 })),
    });
    expect(directionsKept(kept(7, 7))).toBe('7');
    expect(directionsKept(kept(9, 3, 5))).toBe('3 to 9');
  });
});
