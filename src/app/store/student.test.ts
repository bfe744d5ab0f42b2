import { expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { nameConfig, PRESETS } from '../../contract/presets';
import { studentLine, studentOf } from './student';

it('a preset has its own name and no differences', () => {
  for (const { name, config } of PRESETS) expect(nameConfig(config)).toMatchObject({ name, differs: [] });
});

it('gives students of two presets of one method different lines', () => {
  const lines = PRESETS.map(({ config }) => studentLine(studentOf('a', config, 150)));
  expect(new Set(lines).size).toBe(PRESETS.length);
  expect(lines[0]).toBe('LoRi, statistics over results, 128 samples, seed 1, step 150');
});

it('names what differs from the nearest preset, except settings that do not affect training', () => {
  const preset = PRESETS[0]!.config;
  const config = parseRunConfig({
    ...preset,
    optimiser: { ...preset.optimiser, learningRate: 0.004 },
    data: { ...preset.data, heldOut: 7 },
    evaluation: { ...preset.evaluation, every: 3 },
    seed: 9,
  });
  expect(Object.fromEntries(nameConfig(config).differs)).toEqual({
    'optimiser.learningRate': 0.004,
    seed: 9,
  });
});

it('gives students that differ in a rate or a weight different lines', () => {
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
