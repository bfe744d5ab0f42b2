import { expect, it } from 'vitest';
import type { DrawnCompletion, GroupsEvent } from '../../../contract/events';
import { meanLength } from '../../../contract/lengths';
import { appendDrawn } from '../../../contract/series';
import { emptySeries, seriesSchema } from '../../../contract/series-schema';
import { appendDrawnSteps, noDrawnSteps } from '../../store/drawn-steps';
import { lengthHistogram } from '../shared/lengths';
import {
  accuracyByLength,
  aroundReinforcement,
  groupPoints,
  groupRows,
  keptStepsSentence,
  lengthLines,
  shownStep,
} from './reinforcement';

const answer = (length: number, correct: number, format = 0, relative = 0): DrawnCompletion => ({
  ...{
    text: format < 0 ? ' ' : ' The answer is: 7',
    formatted: format === 0,
    correct: correct === 1,
    length,
  },
  reward: { format, correct, length: relative },
  advantage: correct - 0.5,
});
const event = (step: number, ...completions: DrawnCompletion[]): GroupsEvent => ({
  ...{ kind: 'groups', step },
  groups: [{ sample: 3, completions }],
});

it('keeps the means of each step’s drawn answers, also where none is right', () => {
  const series = appendDrawn(emptySeries, [
    event(5, answer(4, 1, 0, 0.05), answer(8, 1, 0, -0.05), answer(3, 0), answer(9, 0, -1)),
    event(6, answer(3, 0)),
  ]);
  expect(series.drawn).toEqual([
    { step: 5, length: 6, rightLength: 6, right: 0.5, formatted: 0.75, lengthReward: 0 },
    { step: 6, length: 3, rightLength: Number.NaN, right: 0, formatted: 1, lengthReward: 0 },
  ]);
  expect(seriesSchema.parse(series)).toEqual(series);
  expect(lengthLines(series.drawn).map(({ y }) => y)).toEqual([
    [6, 3],
    [6, Number.NaN],
  ]);
});

it('shows each answer of a group with its terms', () => {
  const { groups } = event(1, answer(4, 1, 0, 0.05), answer(9, 0, -1));
  expect(groupPoints(groups)).toMatchObject([{ name: 'question 1', x: [4, 9], y: [1.05, -1] }]);
  // Equal ones stand side by side, within their number of tokens, whatever their question.
  const same = event(1, answer(5, 1), answer(5, 1)).groups;
  const [first, second] = groupPoints([...same, ...event(1, answer(5, 1), answer(5, 0)).groups]);
  expect([first?.x, second?.x].map((x) => Array.from(x ?? [], (one) => Number(one.toFixed(3))))).toEqual([
    [4.9, 5],
    [5.1, 5],
  ]);
  const [many] = groupPoints(event(1, ...new Array(64).fill(answer(5, 1))).groups);
  expect(Math.max(...Array.from(many?.x ?? []))).toBeCloseTo(5.35, 6);
  expect(groupRows({ step: 1, groups })).toEqual([
    [1, 1, 4, 'The answer is: 7', 4, 0, 1, 0.05, 0.5],
    [1, 1, 4, '(nothing)', 9, -1, 0, 0, -0.5],
  ]);
  expect(groupRows({ step: 1, groups }, ['a', 'b', 'c', 'd'])[0]?.slice(0, 3)).toEqual([1, 1, 'd']);
});

it('shows the chosen step, the last one without a choice, and says which are kept', () => {
  const events = Array.from({ length: 9 }, (_, i) => event(301 + i, answer(4, 1)));
  const all = appendDrawnSteps(noDrawnSteps, events);
  expect(shownStep(all, null)).toBe(8);
  expect(shownStep(all, 304)).toBe(3);
  expect(keptStepsSentence(all)).toContain('of all 9 steps that drew any;');
  // Steps 301, 305 and 309 are kept.
  const some = appendDrawnSteps(noDrawnSteps, events, 3);
  expect(some.kept.map((one) => one.event.step)).toEqual([301, 305, 309]);
  expect(shownStep(some, 304)).toBe(0);
  expect(shownStep(some, 307)).toBe(1);
  expect(keptStepsSentence(some)).toContain('of one in 4 of the 9 steps that drew any, and the last;');
});

it('counts problems by length, and accuracy by evaluation', () => {
  const lengths = [
    { length: 2, right: 3, wrong: 1 },
    { length: 6, right: 0, wrong: 4 },
  ];
  expect(meanLength(lengths)).toBe(4);
  const { counts, share } = lengthHistogram(lengths);
  // Lengths that no problem has are 0, not on the way from one to the next.
  expect(counts.map(({ x }) => x)).toEqual([
    [1, 2, 3, 4, 5, 6, 7],
    [1, 2, 3, 4, 5, 6, 7],
  ]);
  expect(counts.map(({ y }) => y)).toEqual([
    [0, 3, 0, 0, 0, 0, 0],
    [0, 1, 0, 0, 0, 4, 0],
  ]);
  expect(share[0]?.x).toEqual([2, 6]);
  expect(share[0]?.y).toEqual([0.75, 0]);
  const accuracy = { correct: 3, total: 8, share: 0.375, low: 0, high: 1 };
  const [path] = accuracyByLength([
    { set: 'validation', accuracy, lengths },
    { set: 'held-out', accuracy, lengths },
    { set: 'validation', accuracy },
  ]);
  expect([path?.x, path?.y]).toEqual([[4], [0.375]]);
});

it('sets the lengths of the last evaluation before answers were drawn beside the last of all', () => {
  const accuracy = { correct: 3, total: 4, share: 0.75, low: 0, high: 1 };
  const at = (step: number, length: number, set: 'validation' | 'held-out' = 'validation') => ({
    ...{ step, set, accuracy },
    lengths: [
      { length, right: 2, wrong: 1 },
      { length: length + 2, right: 1, wrong: 0 },
    ],
  });
  const all = [at(50, 9), at(100, 6), at(150, 3), at(150, 8, 'held-out')];
  // Drawn from step 101 on: the evaluation after step 100 is the last before.
  const found = aroundReinforcement(all, [{ step: 101 }, { step: 102 }]);
  expect([found?.before.step, found?.after.step]).toEqual([100, 150]);
  expect(found?.counts.map(({ name }) => name)).toEqual(['before, step 100', 'after, step 150']);
  expect(found?.counts[0]?.x).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  expect(found?.counts.map(({ y }) => y)).toEqual([
    [0, 0, 0, 0, 3, 0, 1, 0],
    [0, 3, 0, 1, 0, 0, 0, 0],
  ]);
  expect(aroundReinforcement(all, [])).toBeNull();
  expect(aroundReinforcement(all.slice(0, 2), [{ step: 101 }])).toBeNull();
});
