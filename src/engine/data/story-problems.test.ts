import { describe, expect, it } from 'vitest';
import { InputError } from '../base/errors';
import { Rng } from '../base/rng';
import { splitOfSteps, storyProblem, storyProblems } from './story-problems';
import { CONTAINERS, LARGEST_NUMBER, PEOPLE, storyKnows, storyVocabulary } from './story-words';

const STEP = /^<<(\d+)([-+*/])(\d+)=(\d+)>>$/;
const numbersIn = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);

describe('storyProblems', () => {
  const problems = storyProblems(3, 2000);

  it('has steps whose arithmetic holds and whose last result is the answer, all whole numbers of 1…999', () => {
    for (const { steps, answer } of problems) {
      for (const step of steps) {
        const [, a, sign, b, c] = STEP.exec(step) ?? [];
        const [x, y, z] = [Number(a), Number(b), Number(c)];
        expect({ '+': x + y, '-': x - y, '*': x * y, '/': x / y }[sign as string]).toBe(z);
        expect(z >= 1 && z <= LARGEST_NUMBER).toBe(true);
      }
      expect(answer).toBe(/=(\d+)>>$/.exec(steps.at(-1) ?? '')?.[1]);
    }
  });

  it('takes every number of a step from the question, an earlier step, or a word for two or three', () => {
    for (const { question, steps } of problems) {
      const known = new Set([...numbersIn(question), 2, 3]);
      for (const step of steps) {
        const [, a, , b, c] = STEP.exec(step) ?? [];
        expect(known).toContain(Number(a));
        expect(known).toContain(Number(b));
        known.add(Number(c));
      }
      // Every result but the last is used by a later step.
      steps.slice(0, -1).forEach((step, i) => {
        const result = /=(\d+)>>/.exec(step)?.[1];
        expect(steps.slice(i + 1).some((later) => later.match(/\d+/g)?.includes(result as string))).toBe(
          true,
        );
      });
    }
  });

  it('has all numbers of steps about as often, every operation, numbers that do not matter, and no question twice', () => {
    const bySteps = [1, 2, 3, 4, 5].map((n) => problems.filter(({ steps }) => steps.length === n).length);
    expect(bySteps.reduce((sum, n) => sum + n)).toBe(problems.length);
    // four standard deviations of a binomial share of 1/5
    for (const n of bySteps) expect(Math.abs(n - 400)).toBeLessThan(4 * Math.sqrt(2000 * 0.2 * 0.8));
    expect(new Set(problems.flatMap(({ steps }) => steps.map((step) => STEP.exec(step)?.[2])))).toEqual(
      new Set('+-*/'),
    );
    const passing = problems.filter(({ question }) =>
      /years old|lives in|on the table/.test(question),
    ).length;
    expect(passing / problems.length).toBeGreaterThan(0.2);
    expect(new Set(problems.map(({ question }) => question)).size).toBe(problems.length);
  });

  it('uses only the words it declares, and names as people type them', () => {
    const words = new Set(storyVocabulary());
    for (const { question } of problems)
      for (const word of question.match(/[A-Za-z]+|[.?]/g) ?? []) expect(words).toContain(word);
    for (const word of ['Janet', 'Natalia', 'Tom', 'apples', 'eggs', 'dollars', 'friends', 'half', 'each'])
      expect(words).toContain(word);
    // What a visitor is told it knows, it knows.
    const said = storyKnows().filter(({ kind }) => kind !== 'numbers');
    for (const { words: told } of said)
      for (const word of told.join(' ').match(/[A-Za-z]+|[.?]/g) ?? []) expect(words).toContain(word);
    expect(said.at(-1)?.words).toContain('Tom has 4 bags with 3 apples each.');
    expect(PEOPLE.length).toBeGreaterThan(40);
    expect(CONTAINERS.length).toBeGreaterThan(4);
  });

  it('repeats itself from its seed and differs with another; more problems begin with fewer', () => {
    expect(storyProblems(3, 20)).toEqual(problems.slice(0, 20));
    expect(storyProblems(4, 20)).not.toEqual(problems.slice(0, 20));
  });

  it('shares no chain of steps, no numbers that matter and no question between the splits, whatever the seeds', () => {
    const options = { minSteps: 1, maxSteps: 2 } as const;
    const held = storyProblems(5, 600, { ...options, split: 'held-out' });
    const trained = storyProblems(9, 20_000, options);
    const chains = new Set(trained.map(({ steps }) => steps.join('')));
    expect(held.filter(({ steps }) => chains.has(steps.join('')))).toEqual([]);
    const texts = new Set(trained.map(({ question }) => question));
    expect(held.filter(({ question }) => texts.has(question))).toEqual([]);
    // The numbers that steps take and do not make.
    const taken = ({ steps }: (typeof held)[number]): string => {
      const results = steps.map((step) => step.match(/\d+/g)?.[2]);
      return steps
        .flatMap((step, i) =>
          (step.match(/\d+/g) ?? []).slice(0, 2).filter((n) => !results.slice(0, i).includes(n)),
        )
        .sort()
        .join(' ');
    };
    const numbers = new Set(trained.map(taken));
    expect(held.filter((p) => numbers.has(taken(p)))).toEqual([]);
  });

  it('holds out about one set of numbers in sixteen, in any order', () => {
    const sets = Array.from({ length: 4000 }, (_, i) => [i % 61, i % 67, i % 71] as const);
    const chainOf = ([a, b, c]: readonly [number, number, number]) => [`<<${a}*${b}=x>>`, `<<x+${c}=y>>`];
    const share = sets.filter((set) => splitOfSteps(chainOf(set)) === 'held-out').length / sets.length;
    // four standard deviations of a binomial share at 1/16 of 4000
    expect(Math.abs(share - 1 / 16)).toBeLessThan(4 * Math.sqrt(((1 / 16) * (15 / 16)) / 4000));
    for (const [a, b, c] of sets.slice(0, 50)) {
      const [one, other] = [`<<${a}*${b}=1000>>`, `<<${b}*${a}=1000>>`];
      expect(splitOfSteps([one, `<<1000+${c}=2000>>`])).toBe(splitOfSteps([other, `<<${c}+1000=2000>>`]));
    }
  });

  it('refuses numbers of steps that it cannot make', () => {
    for (const options of [{ minSteps: 0 }, { maxSteps: 7 }, { minSteps: 4, maxSteps: 3 }, { minSteps: 1.5 }])
      expect(() => storyProblem(new Rng(1), options)).toThrow(InputError);
    expect(storyProblem(new Rng(1), { minSteps: 6, maxSteps: 6 }).steps).toHaveLength(6);
  });
});
