import { describe, expect, it } from 'vitest';
import type { REPLACEMENTS } from '../../../contract/thought-test';
import { Rng } from '../../base/rng';
import { projectThoughts, thoughtDirections } from './projected';
import { derangement, meanThoughts, replaceThoughts, type Thoughts } from './replaced';

const [n, K, H] = [6, 3, 5];
const rng = new Rng(4);
const thoughts: Thoughts = {
  values: Float32Array.from({ length: n * K * H }, () => rng.normal() + 0.5),
  ...{ problems: n, steps: K, hidden: H },
};
const options = {
  answers: ['1', '2', '1', '3', '2', '1'],
  pause: Float32Array.from({ length: H }, (_, i) => i + 1),
};
const replaced = (by: (typeof REPLACEMENTS)[number]) =>
  replaceThoughts(thoughts, by, { ...options, rng: new Rng(9) });
const thoughtOf = (values: Float32Array, b: number, t: number) =>
  Array.from(values.subarray((b * K + t) * H, (b * K + t + 1) * H));
const norm = (x: readonly number[]) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));

describe('replaced thoughts', () => {
  it('are zeros, pauses, or the mean of each thought over the problems', () => {
    expect(replaced('zero').values.every((x) => x === 0)).toBe(true);
    expect(thoughtOf(replaced('pause').values, 4, 1)).toEqual([1, 2, 3, 4, 5]);
    const means = meanThoughts(thoughts);
    for (let t = 0; t < K; t++)
      for (let i = 0; i < H; i++) {
        let sum = 0;
        for (let b = 0; b < n; b++) sum += thoughts.values[(b * K + t) * H + i] as number;
        expect(means[t * H + i]).toBeCloseTo(sum / n, 5);
      }
    expect(thoughtOf(replaced('mean').values, 0, 2)).toEqual(thoughtOf(replaced('mean').values, 5, 2));
  });

  it('are noise with each thought’s norm but not its direction', () => {
    const { values } = replaced('noise');
    for (let b = 0; b < n; b++)
      for (let t = 0; t < K; t++) {
        const [own, other] = [thoughtOf(thoughts.values, b, t), thoughtOf(values, b, t)];
        expect(norm(other) / norm(own)).toBeCloseTo(1, 5);
        expect(other).not.toEqual(own);
      }
  });

  it('are the same thoughts in another order, none of them in its old place', () => {
    const { values } = replaced('permuted');
    for (let b = 0; b < n; b++) {
      const own = Array.from({ length: K }, (_, t) => thoughtOf(thoughts.values, b, t).join());
      const other = Array.from({ length: K }, (_, t) => thoughtOf(values, b, t).join());
      expect([...other].sort()).toEqual([...own].sort());
      other.forEach((thought, t) => {
        expect(thought).not.toBe(own[t]);
      });
    }
    expect(derangement(2, new Rng(1))).toEqual([1, 0]);
  });

  it('are a partner’s with the same or another answer, never the problem’s own', () => {
    for (const by of ['same-answer', 'other-answer'] as const) {
      const { values, problems } = replaced(by);
      // The answer 3 occurs once.
      expect(problems).toEqual(by === 'same-answer' ? [0, 1, 2, 4, 5] : [0, 1, 2, 3, 4, 5]);
      for (const b of problems) {
        const own = thoughtOf(values, b, 0).join();
        const partner = Array.from({ length: n }, (_, i) => i).filter(
          (i) => thoughtOf(thoughts.values, i, 0).join() === own,
        );
        expect(partner).toHaveLength(1);
        expect(partner[0]).not.toBe(b);
        expect(options.answers[partner[0] as number] === options.answers[b]).toBe(by === 'same-answer');
      }
    }
  });
});

describe('projected thoughts', () => {
  const energyAround = (values: Float32Array, centre: Float64Array) => {
    let sum = 0;
    values.forEach((x, i) => {
      sum += (x - (centre[i % H] as number)) ** 2;
    });
    return sum;
  };

  it('keep what lies in the directions: more in the leading ones, as much in those of equal energy', async () => {
    const found = await thoughtDirections(thoughts, 3, new Rng(2), {});
    const { centre } = found.leading.directions;
    const at = (of: 'leading' | 'random' | 'equal-energy', rank: number) =>
      projectThoughts(thoughts, found, of, rank);
    const energy = (of: 'leading' | 'random' | 'equal-energy', rank: number) =>
      energyAround(at(of, rank).values, centre);
    expect(energy('leading', 2)).toBeGreaterThan(energy('random', 2));
    expect(energy('equal-energy', 2) / energy('leading', 2)).toBeCloseTo(1, 4);
    expect(at('equal-energy', 2).directions).toBeGreaterThan(2);
    // Projecting twice changes nothing.
    const once = at('leading', 2).values;
    const twice = projectThoughts({ ...thoughts, values: once }, found, 'leading', 2).values;
    once.forEach((x, i) => {
      expect(twice[i]).toBeCloseTo(x, 5);
    });
  });
});
