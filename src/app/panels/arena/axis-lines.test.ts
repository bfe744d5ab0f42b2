import { expect, it } from 'vitest';
import { ablationsOf, planOf } from '../../../contract/ablations';
import type { ArenaAxis, ArenaRun } from '../../../contract/arena';
import { axisPoints } from '../../../contract/arena-axis';
import { METHODS } from '../../../contract/methods/index';
import { lineFigure } from '../../charts/line-figure';
import { tableOf } from '../../charts/series';
import { axisLines, axisNames, axisSentence, measureAxis } from './axis-lines';

const arenaOf = (id: string, runs: readonly ArenaRun[]) => ({
  ...planOf(ablationsOf(METHODS).find((one) => one.id === id)!, METHODS, [1, 2, 3]),
  runs,
});
const run = (name: string, seed: number, correct: number): ArenaRun => ({
  ...{ name, seed, correct, total: 10, teacherSeconds: seed, trainSeconds: 10 * correct },
});

it('draws medians with their intervals over seeds, and each seed, where the setting has its value', () => {
  const arena = arenaOf('lori-samples', [
    ...[run('B = 1024', 1, 9), run('B = 8', 1, 1), run('B = 8', 2, 3), run('B = 8', 3, 2)],
  ]);
  const axis = arena.axis as ArenaAxis;
  const points = axisPoints(arena);
  const [medians, seeds] = axisLines(points, axis);
  expect([medians?.x, medians?.y, medians?.low, medians?.high]).toEqual([
    [8, 1024],
    [0.2, 0.9],
    [0.1, 0.9],
    [0.3, 0.9],
  ]);
  expect([seeds?.x, seeds?.y]).toEqual([
    [8, 8, 8, 1024],
    [0.1, 0.3, 0.2, 0.9],
  ]);
  const axes = { x: axisNames(points, axis), y: measureAxis(axis) };
  const { layout } = lineFigure([medians!, seeds!], axes, {
    width: 400,
    height: 300,
    theme: 'light',
    log: false,
  });
  expect(layout.xaxis).toMatchObject({ type: 'log', tickvals: [8, 16, 32, 64, 128, 256, 512, 1024] });
  expect(tableOf([medians!], 'B').rows[0]).toEqual([8, 0.2, 0.1, 0.3]);
  expect(axisSentence(points, axis)).toMatch(
    /^B = 8: 20\.0 % \(10\.0 % to 30\.0 %\); B = 1024: 90\.0 %\. Medians/,
  );
});

it('draws the parts of a cost apart, at their names', () => {
  const arena = arenaOf('training-cost', [run('LoRi', 2, 1), run('CODI', 2, 3)]);
  const axis = arena.axis as ArenaAxis;
  const lines = axisLines(axisPoints(arena), axis);
  expect(lines.map(({ name, x, y }) => [name, x, y])).toEqual([
    ['reading the teacher, median over seeds', [1, 2], [2, 2]],
    ['reading the teacher, each seed', [1, 2], [2, 2]],
    ['training, median over seeds', [1, 2], [10, 30]],
    ['training, each seed', [1, 2], [10, 30]],
  ]);
  const { names } = axisNames(axisPoints(arena), axis);
  expect(names?.slice(0, 2)).toEqual(['LoRi', 'CODI']);
  expect(tableOf(lines, 'method', names).rows.map(([at]) => at)).toEqual(['LoRi', 'CODI']);
  expect(axisSentence(axisPoints(arenaOf('latency', [])), axis)).toBe('No run has ended yet.');
});
