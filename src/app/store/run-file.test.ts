import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { emptySeries } from '../../storage/series';
import { formatRunFile, LARGEST_RUN_FILE, modelsThatDiffer, readRunFile } from './run-file';

const config = parseRunConfig({ method: 'codi', seed: 9, optimiser: { learningRate: 0.1 + 0.2 } });
const series = { ...emptySeries, step: [1, 2, 3], losses: { total: [2.5, 1 / 3, Number.NaN] } };
const result = {
  config,
  status: 'done' as const,
  steps: 3,
  heldOut: { correct: 1, total: 4, share: 0.25, low: 0.05, high: 0.7 },
  teacher: null,
  seconds: { teacher: 1, compile: 1, train: 7.5, evaluate: 1 },
  programs: 2,
  trainable: 5,
  provider: 'wasm' as const,
  models: { base: 'ab', teacher: 'cd' },
};

describe('run file', () => {
  it('comes back with the configuration to the bit, the weights and what was observed', () => {
    const file = readRunFile(formatRunFile({ config, series, result }));
    expect(file.config).toEqual(config);
    expect(file.models).toEqual(result.models);
    expect(file.observed).toEqual({ losses: [2.5, 1 / 3], accuracy: 0.25, provider: 'wasm', seconds: 7.5 });
  });

  it('is written for a run that broke off', () => {
    expect(readRunFile(formatRunFile({ config, series, result: null }))).toEqual({
      kind: 'lori-run',
      config,
      models: {},
    });
  });

  it('may be a bare configuration', () => {
    expect(readRunFile('{"method":"ce"}').config).toEqual(parseRunConfig({ method: 'ce' }));
  });

  it.each([
    ['', 'not valid JSON'],
    ['{"kind":"lori-run","config":{"latent":{"steps":0}}}', 'config.latent.steps'],
    ['[1]', 'the file holds'],
    ['null', 'the file holds'],
    ['{"kind":"other"}', 'kind'],
    [`"${'x'.repeat(LARGEST_RUN_FILE)}"`, `at most ${LARGEST_RUN_FILE}`],
  ])('refuses %.60s', (text, message) => {
    expect(() => readRunFile(text)).toThrow(message);
  });

  it('names the weights that differ', () => {
    const file = readRunFile(formatRunFile({ config, series, result }));
    expect(modelsThatDiffer(file, { base: 'ab', teacher: 'cd' })).toEqual([]);
    expect(modelsThatDiffer(file, { base: 'ab', teacher: 'xx' })).toEqual(['teacher']);
    expect(modelsThatDiffer(file, {})).toEqual(['base', 'teacher']);
  });
});
