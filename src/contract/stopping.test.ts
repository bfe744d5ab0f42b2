import { describe, expect, it } from 'vitest';
import golden from './calibration.golden.json';
import { calibrationOf, decisionsOf, stoppingSentences, summariseStopping } from './stopping';

describe('calibration', () => {
  const forecasts = golden.p.map((probability, i) => ({ probability, happened: golden.y[i] === 1 }));

  it.each(['10', '4'] as const)('in %s bins is numpy’s', (bins) => {
    const { bins: found, error, brier, count } = calibrationOf(forecasts, Number(bins));
    const { rows, ece } = golden.bins[bins];
    expect(count).toBe(golden.p.length);
    expect(error).toBeCloseTo(ece, 12);
    expect(brier).toBeCloseTo(golden.brier, 12);
    found.forEach(({ count: n, probability, happened }, b) => {
      const [want, mean, share] = rows[b] as [number, number | null, number | null];
      expect(n).toBe(want);
      if (mean === null) expect(probability).toBeNaN();
      else {
        expect(probability).toBeCloseTo(mean, 12);
        expect(happened.share).toBeCloseTo(share as number, 12);
      }
    });
  });

  it('of no forecasts is none', () => {
    expect(calibrationOf([]).error).toBeNaN();
  });
});

describe('stopping', () => {
  const logit = (p: number) => Math.log(p / (1 - p));
  // Two problems, up to 2 thoughts, the head asked after 1: right after 1 and 2; right after 0 and 1 only.
  const report = {
    ...{ min: 1, max: 2, label: 'student', own: [2, 1] },
    odds: Float32Array.from([0.3, 0.4, 0.9, 0.2, 0.8, 0.1].map(logit)),
    right: Uint8Array.from([0, 1, 1, 1, 1, 0]),
  };

  it('is summed up by number of thoughts, as it stops itself, and as well as could be', () => {
    const { byThoughts, own, thoughts, best, calibration } = summariseStopping(report);
    expect(byThoughts.map(({ accuracy }) => accuracy.correct)).toEqual([1, 2, 1]);
    expect(byThoughts[1]?.probability).toBeCloseTo(0.6, 6);
    expect(byThoughts.map(({ own: there }) => [there.correct, there.total])).toEqual([
      [0, 0],
      [1, 1],
      [1, 1],
    ]);
    expect([own.correct, thoughts, best.correct]).toEqual([2, 1.5, 2]);
    // Only the decisions that are asked for: 0.4 and 0.8 after one thought, both right.
    expect(decisionsOf(report).map(({ probability }) => Number(probability.toFixed(5)))).toEqual([0.4, 0.8]);
    expect(calibration.error).toBeCloseTo((0.6 + 0.2) / 2, 6);
    const [first, second] = stoppingSentences(report, summariseStopping(report));
    expect(first).toContain('after 1.50 thoughts on average, the student gets 100.0 % right (2 of 2)');
    expect(second).toContain('Stopped after 1 on every problem');
  });
});
