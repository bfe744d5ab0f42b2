import { expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { PRESETS } from '../../contract/presets';
import { differences, studentLine, studentOf } from './student';

it('a preset differs from none of its values', () => {
  for (const { config } of PRESETS) expect(differences(config)).toEqual([]);
});

it('names what differs from the nearest preset, and not what trains nothing', () => {
  const preset = PRESETS[0]!.config;
  const config = parseRunConfig({
    ...preset,
    optimiser: { ...preset.optimiser, learningRate: 0.004 },
    data: { ...preset.data, heldOut: 7 },
    evaluation: { ...preset.evaluation, every: 3 },
    seed: 9,
  });
  expect(Object.fromEntries(differences(config))).toEqual({ 'optimiser.learningRate': 0.004, seed: 9 });
});

it('two students that differ in a rate or a weight have lines that differ', () => {
  const preset = PRESETS[0]!.config;
  const line = (change: object) => studentLine(studentOf('a', parseRunConfig({ ...preset, ...change }), 150));
  const lines = [
    line({}),
    line({ optimiser: { ...preset.optimiser, learningRate: 0.001 } }),
    line({ weights: { ...preset.weights, answer: 2 } }),
    line({ seed: 2 }),
  ];
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines[0]).toMatch(/, step 150$/);
  expect(lines[2]).toContain('answer 2');
});
