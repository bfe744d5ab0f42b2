import { expect, it } from 'vitest';
import { Graph } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import { TINY_CONFIG, TINY_GPT2 } from '../train/tiny.testing';
import { activated } from './activation';
import type { DecoderConfig } from './config';

function run(config: DecoderConfig, values: readonly number[], width: number): number[] {
  const graph = new Graph();
  const x = graph.input('x', [values.length / width, width]);
  return Array.from(interpret([activated(config, x)], { x: values })[0] as Float64Array);
}

it('GELU is its tanh form, also far from 0', () => {
  const values = [-30, -8, -3, -1.3, -0.5, -1e-3, 0.2, 0.9, 1.7, 4, 12, 40];
  const expected = values.map(
    (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  );
  run({ ...TINY_GPT2, intermediateSize: values.length }, values, values.length).forEach((y, i) => {
    expect(Math.abs(y - (expected[i] as number))).toBeLessThan(1e-7);
  });
});

it('SwiGLU takes the gate from the first half', () => {
  const [gate, up] = [
    [0.5, -2, 3],
    [1.5, 0.25, -1],
  ] as const;
  const expected = gate.map((g, i) => (g / (1 + Math.exp(-g))) * (up[i] as number));
  run({ ...TINY_CONFIG, intermediateSize: 3 }, [...gate, ...up], 6).forEach((y, i) => {
    expect(y).toBeCloseTo(expected[i] as number, 12);
  });
});
