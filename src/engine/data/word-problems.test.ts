import { describe, expect, it } from 'vitest';
import { InputError } from '../base/errors';
import { Rng } from '../base/rng';
import { splitOf, wordProblem, wordProblems } from './word-problems';

const STEP = /^<<(\d+)([-+*/])(\d+)=(\d+)>>$/;

describe('wordProblems', () => {
  const problems = wordProblems(3, 400);

  it('chains steps whose arithmetic holds, from a number the question gives, to the answer', () => {
    for (const { question, steps, answer } of problems) {
      const told = question.match(/\d+/g)?.map(Number) ?? [];
      let value = told.shift();
      for (const step of steps) {
        const [, a, sign, b, c] = STEP.exec(step) ?? [];
        const [x, y] = [Number(a), Number(b)];
        expect(x).toBe(value);
        value = { '+': x + y, '-': x - y, '*': x * y, '/': x / y }[sign as string] as number;
        expect(Number(c)).toBe(value);
        expect(value >= 0 && value <= 99 && Number.isInteger(value)).toBe(true);
        if (sign === '+' || sign === '-') expect(told.shift()).toBe(y);
      }
      expect(told).toEqual([]);
      expect(answer).toBe(String(value));
    }
  });

  it('has every number of steps and every operation, and no question twice', () => {
    expect(new Set(problems.map((p) => p.steps.length))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(problems.flatMap((p) => p.steps.map((s) => STEP.exec(s)?.[2])))).toEqual(new Set('+-*/'));
    expect(new Set(problems.map((p) => p.question)).size).toBe(problems.length);
  });

  it('repeats itself from its seed and differs with another', () => {
    expect(wordProblems(3, 20)).toEqual(problems.slice(0, 20));
    expect(wordProblems(4, 20)).not.toEqual(problems.slice(0, 20));
  });

  it('keeps held-out chains of steps out of training, whatever the seeds', () => {
    const held = wordProblems(3, 100, { split: 'held-out', minSteps: 2, maxSteps: 2 });
    expect(held.every((p) => splitOf(p.steps) === 'held-out')).toBe(true);
    const trained = new Set(wordProblems(9, 3000, { minSteps: 2, maxSteps: 2 }).map((p) => p.steps.join('')));
    expect(held.filter((p) => trained.has(p.steps.join('')))).toEqual([]);
  });

  it('holds out about one chain in sixteen', () => {
    const chains = Array.from({ length: 4000 }, (_, i) => [`<<${i}+${i % 7}=${i + (i % 7)}>>`]);
    const share = chains.filter((c) => splitOf(c) === 'held-out').length / chains.length;
    // four standard deviations of a binomial share at 1/16 of 4000
    expect(Math.abs(share - 1 / 16)).toBeLessThan(4 * Math.sqrt(((1 / 16) * (15 / 16)) / 4000));
  });

  it('takes a chosen number of steps and refuses an impossible one', () => {
    const { steps } = wordProblem(new Rng(1), { minSteps: 6, maxSteps: 6 });
    expect(steps).toHaveLength(6);
    expect(() => wordProblem(new Rng(1), { minSteps: 0 })).toThrow(InputError);
    expect(() => wordProblem(new Rng(1), { minSteps: 3, maxSteps: 2 })).toThrow('3 to 2 steps');
  });
});
