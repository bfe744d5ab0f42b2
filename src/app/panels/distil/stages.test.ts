import { expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { METHODS, methodOf } from '../../../contract/methods/index';
import { stagesLeftOut } from '../../../contract/methods/method';
import { presetsOf } from '../../../contract/presets';
import { emptySeries } from '../../../contract/series-schema';
import { lineFigure } from '../../charts/line-figure';

import { runRows } from './run-rows';
import { marksOf, stageRows, stagesOfRun, stageTable } from './stages';

const config = parseRunConfig({
  method: 'coconut',
  curriculum: { stages: 1, stageSteps: 20 },
  optimiser: { steps: 100 },
});
const stages = stagesOfRun(config, METHODS);
const at = (step: number, share: number) => ({
  step,
  accuracy: { correct: 0, total: 1, share, low: 0, high: 1 },
});

it('knows a run’s stages from its configuration; methods without a curriculum have none', () => {
  expect(stages.map(({ name, from }) => [from, name])).toEqual([
    [0, 'all steps written'],
    [20, '2 latents'],
    [40, 'no written steps, 2 latents'],
  ]);
  expect(stagesOfRun(parseRunConfig({ method: 'ce' }), METHODS)).toEqual([]);
  expect(stagesOfRun(null, METHODS)).toEqual([]);
});

it('a run too short for its curriculum is told so, with the steps that it would take', () => {
  const short = (steps: number) =>
    stagesLeftOut(methodOf('coconut'), { ...config, optimiser: { ...config.optimiser, steps } });
  expect(short(41)).toBe('');
  expect(short(40)).toBe(
    'The run ends after 40 steps, before the stage “no written steps, 2 latents” begins: for the whole curriculum choose 41 steps at least, or shorter stages.',
  );
  expect(short(20)).toContain('before 2 of 3 stages begin, from “2 latents” on');
  // As a method is without its preset.
  expect(stagesLeftOut(methodOf('grpo'), parseRunConfig({ method: 'grpo' }))).toMatch(/“reinforced” begins/);
  for (const { config: preset, id } of presetsOf(METHODS))
    expect(stagesLeftOut(methodOf(preset.method), preset), id).toBe('');
});

it('marks the stages that have begun, at their first step', () => {
  expect(marksOf(stages, 20)).toEqual([{ x: 1, label: '1' }]);
  expect(marksOf(stages, 21)).toEqual([
    { x: 1, label: '1' },
    { x: 21, label: '2' },
  ]);
  expect(marksOf(stages.slice(0, 1), 21)).toEqual([]);
  const axes = { x: { label: 'step' }, y: { label: 'loss' }, marks: marksOf(stages, 100) };
  const view = { width: 400, height: 300, theme: 'light', log: true } as const;
  const { layout } = lineFigure([{ name: 'a', x: [1], y: [2] }], axes, view);
  expect(layout.shapes?.map(({ x0 }) => x0)).toEqual([1, 21, 41]);
  expect(layout.annotations?.map(({ text }) => text)).toEqual(['1', '2', '3']);
});

it('gives each stage the accuracy measured last in it', () => {
  const measured = [at(10, 0.1), at(20, 0.2), at(41, 0.4), at(70, 0.7)];
  const rows = stageRows(stages, measured, 70);
  expect(rows.map(({ number, to, measured: one }) => [number, to, one?.accuracy.share])).toEqual([
    [1, 20, 0.2],
    [2, 40, undefined],
    [3, 70, 0.7],
  ]);
  expect(stageRows(stages, measured, 20)).toHaveLength(1);
});

it('goes out with numbers as they are, and the stage of every step beside its losses', () => {
  const { columns, rows } = stageTable(stageRows(stages, [at(20, 0.25)], 30));
  expect(columns).toHaveLength(8);
  expect(rows).toEqual([
    [1, 'all steps written', 1, 20, 0.25, 0, 1, 20],
    [2, '2 latents', 21, 30, null, null, null, null],
  ]);
  const series = { ...emptySeries, step: [20, 21, 41], losses: { answer: [3, 2, 1] } };
  const table = runRows({ series, config }, METHODS);
  expect(table.map((row) => row.slice(0, 3))).toEqual([
    ['step', 'stage', 'loss answer'],
    ...[
      [20, 1, 3],
      [21, 2, 2],
      [41, 3, 1],
    ],
  ]);
  const plain = runRows({ series, config: parseRunConfig({ method: 'ce' }) }, METHODS);
  expect(plain[0]?.slice(0, 2)).toEqual(['step', 'loss answer']);
});
