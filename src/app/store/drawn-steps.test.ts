import { expect, it } from 'vitest';
import type { GroupsEvent } from '../../contract/events';
import { appendDrawnSteps, noDrawnSteps } from './drawn-steps';

/** A step that drew two answers. */
const drawnAt = (step: number): GroupsEvent => {
  const one = {
    ...{ text: ' 7', formatted: true, correct: true, length: 3, advantage: 0 },
    reward: { format: 0, correct: 1, length: 0 },
  };
  return { kind: 'groups', step, groups: [{ sample: 0, completions: [one, one] }] };
};
const stepsOf = ({ kept }: typeof noDrawnSteps) => kept.map(({ event }) => event.step);

it('keeps the answers of every step while there is room', () => {
  const first = appendDrawnSteps(noDrawnSteps, [drawnAt(301), drawnAt(302)], 8);
  const second = appendDrawnSteps(first, [drawnAt(303), drawnAt(304)], 8);
  expect(stepsOf(second)).toEqual([301, 302, 303, 304]);
  expect(second).toMatchObject({ every: 1, count: 4 });
  expect(appendDrawnSteps(second, [], 8)).toEqual(second);
});

it('beyond that, those of evenly spaced steps and of the last, never more than there is room for', () => {
  let steps = noDrawnSteps;
  for (let i = 1; i <= 1000; i++) {
    steps = appendDrawnSteps(steps, [drawnAt(i)], 20);
    expect(steps.kept.length).toBeLessThanOrEqual(10);
    expect(stepsOf(steps).at(-1)).toBe(i);
  }
  const kept = stepsOf(steps);
  expect(kept[0]).toBe(1);
  const gaps = kept.slice(1, -1).map((step, i) => step - (kept[i] as number));
  expect(new Set(gaps)).toEqual(new Set([steps.every]));
  expect(kept.length).toBeGreaterThan(4);
});

it('all at once are those one after another', () => {
  const events = Array.from({ length: 77 }, (_, i) => drawnAt(i + 1));
  const one = events.reduce((steps, event) => appendDrawnSteps(steps, [event], 20), noDrawnSteps);
  expect(appendDrawnSteps(noDrawnSteps, events, 20)).toEqual(one);
});

it('the last step is kept however many answers it drew', () => {
  expect(stepsOf(appendDrawnSteps(noDrawnSteps, [drawnAt(1), drawnAt(2)], 1))).toEqual([1, 2]);
});
