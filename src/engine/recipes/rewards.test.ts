import { describe, expect, it } from 'vitest';
import { readGolden } from '../testing/golden.testing';
import {
  advantagesOf,
  type Completion,
  judgeCompletion,
  numberAfter,
  type Reward,
  type RewardSettings,
  rewardsOf,
  totalOf,
} from './shared/rewards';

interface Group {
  readonly completions: Completion[];
  readonly coefficients: RewardSettings;
  readonly rewards: Reward[];
  readonly advantages: number[];
}

/** Both sides compute in float64; sums in another order differ by rounding, and the std of equal rewards is not quite 0. */
const close = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) => {
    expect(Math.abs(x - (expected[i] as number))).toBeLessThan(1e-12);
  });
};

describe('rewards and advantages of a group, as the golden has them', () => {
  const groups: Record<string, Group> = readGolden('grpo').meta.groups;
  it.each(Object.entries(groups))('%s', (_name, { completions, coefficients, rewards, advantages }) => {
    const own = rewardsOf(completions, coefficients);
    for (const term of ['format', 'correct', 'length'] as const)
      close(
        own.map((r) => r[term]),
        rewards.map((r) => r[term]),
      );
    close(advantagesOf(own.map(totalOf)), advantages);
  });

  it('by hand: penalised, rewarded, centred', () => {
    const right = (length: number): Completion => ({ formatted: true, correct: true, length });
    const wrong: Completion = { formatted: true, correct: false, length: 99 };
    const settings = { penalty: 0.5, reward: 0.1, cutoff: 1 };
    expect(rewardsOf([right(2), right(4), right(6)], settings).map(({ length }) => length)).toEqual([
      0.25, -0, -0.25,
    ]);
    expect(rewardsOf([right(2), right(6), wrong], settings).map(({ length }) => length)).toEqual([
      -0.05, 0.05, 0,
    ]);
    // What is not formatted is not correct, whatever it says, and its length counts for nobody.
    const unformatted = { ...right(1), formatted: false };
    expect(rewardsOf([right(2), right(6), unformatted], settings)).toEqual([
      { format: 0, correct: 1, length: -0.05 },
      { format: 0, correct: 1, length: 0.05 },
      { format: -1, correct: 0, length: 0 },
    ]);
    expect(advantagesOf([1, 1, 1])).toEqual([0, 0, 0]);
    expect(advantagesOf([])).toEqual([]);
  });
});

describe('what a completion says', () => {
  it('is judged by format and by the first number after the prompt', () => {
    const judged = (text: string, answer = '12') => judgeCompletion(text, 'The answer is:', answer);
    expect(judged('The answer is: 12')).toEqual({ formatted: true, correct: true });
    expect(judged(' the ANSWER is: 12.0000001')).toEqual({ formatted: true, correct: true });
    expect(judged('The answer is: 12.1')).toEqual({ formatted: true, correct: false });
    expect(judged('The answer is:')).toEqual({ formatted: true, correct: false });
    expect(judged('12')).toEqual({ formatted: false, correct: false });
    expect(judged('')).toEqual({ formatted: false, correct: false });
    expect(judged('Tom. The answer is: 12')).toEqual({ formatted: false, correct: false });
    expect(judged('The answer is: The answer is: 12')).toEqual({ formatted: false, correct: false });
    expect(judged('The answer is: 1,200', '1200')).toEqual({ formatted: true, correct: true });
  });

  it.each([
    ['$1,234.50.', 1234.5],
    ['-.5', -0.5],
    ['3-1', 3],
    ['7 apples', 7],
  ])('%s', (text, value) => {
    expect(numberAfter(text)).toBe(value);
  });
  it('has no number where there is none', () => {
    expect(numberAfter('none, at all - .')).toBeUndefined();
  });
});
