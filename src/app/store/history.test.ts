import { expect, it } from 'vitest';
import { type History, mapHistory, noHistory, remember, stepBack, stepForward } from './history';

/** What a form with one text does to its history. */
function typed(texts: readonly string[], field: string | null): { now: string; history: History<string> } {
  let history: History<string> = noHistory;
  let now = '';
  for (const text of texts) {
    history = remember(history, now, field);
    now = text;
  }
  return { now, history };
}

it('goes back and forward step by step, and not beyond the ends', () => {
  const { now, history } = typed(['a', 'b'], null);
  const back = stepBack(history, now)!;
  expect(back.settings).toBe('a');
  const first = stepBack(back.history, back.settings)!;
  expect([first.settings, stepBack(first.history, first.settings)]).toEqual(['', null]);
  const again = stepForward(first.history, first.settings)!;
  const last = stepForward(again.history, again.settings)!;
  expect([again.settings, last.settings, stepForward(last.history, last.settings)]).toEqual(['a', 'b', null]);
  expect(last.history.past).toEqual(history.past);
});

it('takes continued typing in one field for one step, until something else is done', () => {
  const { now, history } = typed(['a', 'ab', 'abc'], 'text');
  expect(history.past).toEqual(['']);
  expect(remember(history, now, 'other').past).toEqual(['', 'abc']);
  const back = stepBack(history, now)!;
  // After an undo the same field begins another step.
  expect(remember(back.history, back.settings, 'text').past).toEqual(['']);
});

it('forgets what was undone at the next change, and the oldest of more than a hundred steps', () => {
  const { now, history } = typed(['a'], null);
  const back = stepBack(history, now)!;
  expect(remember(back.history, back.settings, null).future).toEqual([]);
  const long = typed(
    Array.from({ length: 120 }, (_, i) => `${i}`),
    null,
  ).history;
  expect([long.past.length, long.past[0]]).toEqual([100, '19']);
});

it('leaves out the steps that change nothing once something else stands for what is gone', () => {
  const history: History<string> = { past: ['b', 'a', 'gone'], future: ['gone', 'c', 'a'], touched: 'x' };
  const map = (one: string) => (one === 'gone' ? 'a' : one);
  expect(mapHistory(history, map, 'a')).toEqual({ past: ['b'], future: ['c', 'a'], touched: null });
});
