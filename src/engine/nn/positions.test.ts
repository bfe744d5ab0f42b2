import { expect, it } from 'vitest';
import { HIDDEN } from '../base/tokens';
import { Graph } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import { TINY_CONFIG, TINY_GPT2 } from '../train/tiny.testing';
import { atPositions, leftPadding, placed } from './positions';
import { outerInputs } from './weights';

const config = { ...TINY_GPT2, hiddenSize: 2, maxPositions: 4 };
const TABLE = [10, 11, 20, 21, 30, 31, 40, 41];

it('left padding is what is hidden before the first visible column, and no more', () => {
  const graph = new Graph();
  const rows = [
    [0, 0, 0, 0],
    [1, 1, 0, 0],
    [1, 0, 1, 0],
    [0, 0, 1, 1],
    [1, 1, 1, 0],
  ];
  const mask = rows.flat().map((hidden) => (hidden ? HIDDEN : 0));
  const padding = leftPadding(graph.input('mask', [5, 1, 1, 4]));
  expect(padding.shape).toEqual([5, 1]);
  expect(Array.from(interpret([padding], { mask })[0] as Float64Array)).toEqual([0, 2, 1, 0, 3]);
});

it('each row gets the vectors of its own positions; padding gets the first or the last', () => {
  const graph = new Graph();
  const model = { config, outer: outerInputs(graph, config) };
  const x = graph.input('x', [6, 2]);
  const at = atPositions(model, x, graph.input('at', [2, 3]));
  const feeds = { x: [0, 0, 0, 0, 0, 0, 100, 100, 100, 100, 100, 100], at: [-2, 0, 1, 2, 3, 9] };
  expect(Array.from(interpret([at], { ...feeds, 'w.positions': TABLE })[0] as Float64Array)).toEqual([
    10, 11, 10, 11, 20, 21, 130, 131, 140, 141, 140, 141,
  ]);
});

it('columns count from the first token of each row, and rotary models are left as they are', () => {
  const graph = new Graph();
  const model = { config, outer: outerInputs(graph, config) };
  const x = graph.constant(new Float32Array(8), [4, 2]);
  const place = { batch: 2, positions: 2, from: 1 };
  const padding = graph.constant(new Float32Array([0, 1]), [2, 1]);
  expect(
    Array.from(
      interpret([placed(model, x, place, padding)], {
        'w.positions': TABLE,
      })[0] as Float64Array,
    ),
  ).toEqual([20, 21, 30, 31, 10, 11, 20, 21]);
  expect(
    Array.from(interpret([placed(model, x, place)], { 'w.positions': TABLE })[0] as Float64Array),
  ).toEqual([20, 21, 30, 31, 20, 21, 30, 31]);
  expect(placed({ ...model, config: TINY_CONFIG }, x, place, padding)).toBe(x);
});
