import { describe, expect, it } from 'vitest';
import { discordant, holm, mcnemar, pairedInterval } from './paired';
import golden from './paired.golden.json';

describe('outcomes of the same problems', () => {
  it('are compared problem by problem', () => {
    const first = Uint8Array.of(1, 1, 0, 0, 1, 1, 0);
    expect(discordant(first, [1, 0, 1, 0, 0, 0, 0])).toEqual({ problems: 7, gained: 3, lost: 1 });
    expect(discordant([1, 1, 0, 0], [0, 0, 1, 1])).toEqual({ problems: 4, gained: 2, lost: 2 });
    expect(() => discordant([1, 0], [1])).toThrow('paired outcomes of 2 and 1 problems');
  });

  it.each(golden.cases)(
    '$gained gained, $lost lost of $problems: McNemar’s test is scipy’s',
    ({ p, ...counts }) => {
      expect(mcnemar(counts) / p).toBeCloseTo(1, 10);
    },
  );

  // The golden maximises the likelihood numerically, to about 1e-7 in δ.
  it.each(golden.cases)(
    '$gained gained, $lost lost of $problems: Tango’s interval',
    ({ interval, ...counts }) => {
      const { low, high } = pairedInterval(counts);
      expect(low).toBeCloseTo(interval[0]!, 6);
      expect(high).toBeCloseTo(interval[1]!, 6);
    },
  );

  it('has the closed form without discordant problems, mirrors, and reaches the ends', () => {
    const width = 1.959963984540054 ** 2 / (100 + 1.959963984540054 ** 2);
    expect(pairedInterval({ problems: 100, gained: 0, lost: 0 }).low).toBeCloseTo(-width, 12);
    const { low, high } = pairedInterval({ problems: 50, gained: 7, lost: 2 });
    const mirrored = pairedInterval({ problems: 50, gained: 2, lost: 7 });
    expect([mirrored.low, mirrored.high].map((x) => -x)).toEqual([
      expect.closeTo(high, 12),
      expect.closeTo(low, 12),
    ]);
    expect(pairedInterval({ problems: 5, gained: 5, lost: 0 }).high).toBe(1);
    expect(pairedInterval({ problems: 5, gained: 0, lost: 5 }).low).toBe(-1);
  });

  it('are corrected for their number as Holm does', () => {
    const { p, adjusted } = golden.holm;
    expect(holm(p)).toEqual(adjusted.map((value) => expect.closeTo(value, 14)));
    expect(holm([])).toEqual([]);
    expect(holm([0.9, 0.6, 0.7])).toEqual([1, 1, 1]);
  });
});
