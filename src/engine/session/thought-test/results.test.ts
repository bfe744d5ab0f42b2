import { expect, it } from 'vitest';
import { Rng } from '../../base/rng';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { intermediateResults, resultOf } from './results';

/** One token a number below 100, one a digit from there on. */
const tokenizer = {
  encode: (step: string) => {
    const result = step.slice(step.indexOf('=') + 1, -2);
    return Number(result) < 100 ? [Number(result)] : [...result].map(Number);
  },
  // Ids from 1000 on are the same numbers with a step's signs around them.
  tokenText: (id: number) => (id < 1000 ? ` ${id}` : `=${id - 1000}>>`),
} as unknown as Tokenizer;

it('reads a step’s result, and none where there is none', () => {
  expect([resultOf('<<3+4=7>>'), resultOf('<<10/4=2.5>>'), resultOf('so he has 7')]).toEqual([
    '7',
    '2.5',
    null,
  ]);
});

it('counts results found in the thoughts of problems answered rightly, by number of steps, beside the control', () => {
  const steps = [['7', '9'], ['1', '2'], ['5'], ['150'], ['8']].map((own) =>
    own.map((result) => `<<0+${result}=${result}>>`),
  );
  const seen = [new Set([7, 1009]), new Set([50]), new Set([5]), new Set([1]), new Set([5])];
  // The problem of two steps that is answered wrongly does not count, nor does what is more than one token.
  const found = intermediateResults(tokenizer, { steps, right: [1, 0, 1, 1, 1], seen }, new Rng(3));
  expect(found.leftOut).toBe(1);
  expect(found.bySteps[1]).toEqual({ steps: 2, problems: 1, results: 2, found: 2, foundElsewhere: 0 });
  expect(found.bySteps[0]).toMatchObject({ steps: 1, problems: 3, results: 2, found: 1 });
  expect(found.bySteps[0]?.foundElsewhere).toBeLessThanOrEqual(1);
});
