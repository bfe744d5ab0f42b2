import { describe, expect, it } from 'vitest';
import { cutByFirstRow, stepInputs, stepsInSlots } from './step-inputs';

const END = 1;
const PLACE = { samples: [], step: 0 };
const codec = { prompt: [9], padId: 0, endId: END };
const problem = (...steps: number[][]) => ({
  question: [2],
  rationale: steps.flat(),
  steps,
  answer: [3, END],
});

describe('stepsInSlots', () => {
  it.each([
    [
      'as many',
      [[5], [6, 7]],
      2,
      [
        [5, END],
        [6, 7, END],
      ],
    ],
    ['fewer', [[5]], 3, [[5, END], [], []]],
    ['none', [], 2, [[], []]],
    [
      'surplus ones joined in the last slot, with one end',
      [[5], [6], [7, 8], [4]],
      2,
      [
        [5, END],
        [6, 7, 8, 4, END],
      ],
    ],
    ['all in one slot', [[5], [6]], 1, [[5, 6, END]]],
  ])('%s', (_name, steps, slots, expected) => {
    expect(stepsInSlots(steps, slots, END)).toEqual(expected);
  });
});

it('targets are cut by the first row as the released code does', () => {
  const rows = [[[1, 2, 3]], [[4, 5, 6, 7, 8]]];
  expect(cutByFirstRow(rows)).toEqual([[[1, 2, 3]], [[4, 5, 6, 7]]]);
  expect(cutByFirstRow([[[]], [[4, 5, 6, 7, 8]]])).toEqual([[[]], [[4]]]);
});

describe('stepInputs', () => {
  const problems = [problem([5, 6], [7]), problem([8])];
  const { sizes, feeds } = stepInputs({ problems, layout: {} as never, codec }, 3, false);
  const made = feeds(problems, PLACE);
  const valuesOf = (name: string) => Array.from(made[name]?.data ?? []);

  it('feeds a slot its tokens but the last, and predicts all of them', () => {
    expect(sizes).toEqual({ step: 3 });
    expect(valuesOf('steps.0.ids')).toEqual([5, 6, 8, 0]);
    expect(valuesOf('steps.1.ids')).toEqual([7, 0, 0, 0]);
    expect(valuesOf('steps.targets')).toEqual([5, 6, END, 7, END, 0, 0, 0, 0, 8, END, 0, 0, 0, 0, 0, 0, 0]);
    expect(made['steps.targets']?.shape).toEqual([2, 9]);
  });

  it('weighs each token of a slot alike, and each slot that has any', () => {
    const weights = valuesOf('steps.weights');
    const [five, two] = [1 / 5 / 2, 1 / 2 / 2].map((x) => expect.closeTo(x, 7));
    expect(weights).toEqual([five, five, five, two, two, 0, 0, 0, 0, five, five, 0, 0, 0, 0, 0, 0, 0]);
    expect(weights.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 6);
  });

  it('of a batch without steps weighs nothing', () => {
    const none = feeds([problem(), problem()], PLACE);
    expect(Array.from(none['steps.weights']?.data ?? []).every((x) => x === 0)).toBe(true);
  });
});
