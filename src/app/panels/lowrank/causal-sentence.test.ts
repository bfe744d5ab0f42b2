import { expect, it } from 'vitest';
import type { CausalPoint } from '../../../contract/lens';
import { causalSentence, pText } from './causal-sentence';

/** The first problems right. */
const outcomes = (correct: number, total: number) =>
  Uint8Array.from({ length: total }, (_, i) => (i < correct ? 1 : 0));
const accuracy = (correct: number, total: number) => ({
  correct,
  total,
  share: correct / total,
  low: 0,
  high: 1,
});
const point = (
  rank: number,
  correct: number,
  directions: CausalPoint['directions'] = 'leading',
  total = 100,
): CausalPoint => ({
  rank,
  directions,
  accuracy: accuracy(correct, total),
  outcomes: outcomes(correct, total),
  kept: [
    { layer: 1, directions: directions === 'equal-energy' ? 3 * rank : rank, energy: 0.9 },
    { layer: 2, directions: directions === 'equal-energy' ? 3 * rank + 1 : rank, energy: 0.9 },
  ],
});
const said = (points: readonly CausalPoint[], correct = 90, total = 100) =>
  causalSentence({
    points,
    whole: accuracy(correct, total),
    wholeOutcomes: outcomes(correct, total),
    hidden: 64,
  });

it('says what the paired comparisons support', () => {
  expect(
    said([
      point(4, 40),
      point(4, 1, 'random'),
      point(4, 41, 'equal-energy'),
      point(8, 90),
      point(8, 10, 'random'),
      point(8, 60, 'equal-energy'),
    ]),
  ).toBe(
    'The whole model gets 90 % right (90 of 100). From rank 8 of 64 on, the leading directions do as well to within 5 % of the problems: the 95 % intervals of the difference, paired by problem, exclude a larger loss. The leading directions differ most from as many random directions at rank 8: 90 % right against 10 % (p < 0.001). The leading directions differ most from random directions that keep as much energy (24 to 25 of 64) at rank 8: 90 % right against 60 % (p < 0.001).',
  );
});

it('does not say “as well” of what was merely not found to differ', () => {
  // 20 problems: not even equal answers exclude a loss of 5 %.
  const few = said([point(8, 18, 'leading', 20), point(8, 17, 'random', 20)], 18, 20);
  expect(few).not.toContain('as well');
  expect(few).toContain(
    'From rank 8 of 64 on, no difference from the whole model was found with 20 problems; a loss of up to 16 % of them cannot be excluded.',
  );
  expect(few).toContain(
    'With 20 problems no difference between the leading directions and as many random directions was found at any measured rank.',
  );
});

it('says what costs answers, what was not tried, and where there is no test', () => {
  expect(said([point(8, 20), point(64, 90)])).toBe(
    'The whole model gets 90 % right (90 of 100). Every measured rank below H costs answers. Random directions were not tried.',
  );
  expect(said([point(8, 0)], 0)).toMatch(/the test says nothing/);
  expect(said([point(64, 90)])).toMatch(/nothing to compare/);
});

it('writes p as it is read', () => {
  expect([pText(0.0004), pText(0.0312), pText(1)]).toEqual(['p < 0.001', 'p = 0.031', 'p = 1.0']);
});
