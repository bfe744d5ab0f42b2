import { expect, it } from 'vitest';
import { METHODS } from '../../../../contract/methods/index';
import { emptySeries, type RunSeries } from '../../../../contract/series-schema';
import { type ComparedRun, comparedCharts } from './compared';

const accuracy = (step: number, share: number, lengths = false): RunSeries['accuracy'][number] => ({
  ...{ kind: 'evaluation', step, set: 'validation', milliseconds: 1 },
  accuracy: { correct: 10 * share, total: 10, share, low: 0, high: 1 },
  ...(lengths && {
    lengths: [
      { length: 2, right: 3, wrong: 1 },
      { length: 4, right: 1, wrong: 5 },
    ],
  }),
});
const spectrum = (step: number, cosine: number) => ({ step, effectiveRank: step, stableRank: 1, cosine });
const draw = (step: number) => ({
  ...{ step, length: 3, rightLength: 2, right: 0.5, formatted: 1, lengthReward: 0 },
});

const run = (name: string, method: string, over: Partial<RunSeries>): ComparedRun => {
  const series = { ...emptySeries, step: [1, 2], learningRate: [1, 1], gradientNorm: [2, 1], ...over };
  return { name, method, series };
};

const lori = (name: string) =>
  run(name, 'lori', {
    losses: { total: [5, 4], covariance: [3, 2], answer: [2, 2] },
    accuracy: [accuracy(2, 0.5)],
    spectra: [spectrum(1, 0.5), spectrum(2, Number.NaN)],
  });
const grpo = (name: string) =>
  run(name, 'grpo', {
    losses: { total: [1, 1] },
    accuracy: [accuracy(1, 0.1, true), accuracy(2, 0.4, true)],
    drawn: [draw(1), draw(2)],
  });

const titles = (...runs: ComparedRun[]) => comparedCharts(runs, METHODS).charts.map(({ title }) => title);

it('draws every line of a run’s own charts, with a line of each run', () => {
  expect(titles(lori('a'), lori('b'))).toEqual([
    ...['Total loss', expect.stringMatching(/^Loss term: /), expect.stringMatching(/^Loss term: /)],
    ...['Validation accuracy', 'Gradient norm', 'Learning rate'],
    ...['Latents: effective rank', 'Latents: stable rank', 'Mean cosine between latents'],
  ]);
  expect(titles(grpo('a'), grpo('b'))).toEqual([
    ...['Total loss', 'Validation accuracy', 'Gradient norm', 'Learning rate'],
    ...['Problems by length, right', 'Problems by length, wrong', 'Accuracy by length'],
    'Accuracy against mean length',
    ...['Length of drawn answers: all drawn answers', 'Length of drawn answers: right ones'],
    ...['Reward: right', 'Reward: badly formatted', 'Reward: relative length'],
  ]);
});

it('draws what at least two runs have, and says which run has what alone, and which has none', () => {
  const { charts, single } = comparedCharts([lori('a'), grpo('b'), grpo('c')], METHODS);
  const total = charts.find(({ title }) => title === 'Total loss');
  expect(total?.lines.map(({ name, y }) => [name, y])).toEqual([
    ['a', [5, 4]],
    ['b', [1, 1]],
    ['c', [1, 1]],
  ]);
  expect(total?.missing).toEqual([]);
  const reward = charts.find(({ title }) => title === 'Reward: right');
  expect(reward?.missing).toEqual(['a']);
  // A run has its look in every chart, whoever is missing.
  expect(reward?.lines.map(({ name, look }) => [name, look?.colour])).toEqual([
    ['b', 1],
    ['c', 2],
  ]);
  expect(single).toContainEqual({ title: 'Latents: effective rank', run: 'a' });
  expect(charts.some(({ title }) => title.startsWith('Latents'))).toBe(false);
});

it('takes figures that are nowhere numbers for none', () => {
  const one = run('a', 'lori', { spectra: [spectrum(1, Number.NaN)] });
  const { charts } = comparedCharts([one, { ...one, name: 'b' }], METHODS);
  expect(charts.map(({ title }) => title)).toContain('Latents: effective rank');
  expect(charts.map(({ title }) => title)).not.toContain('Mean cosine between latents');
});
