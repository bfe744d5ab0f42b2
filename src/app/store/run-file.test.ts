import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { EvaluationEvent, StepEvent } from '../../contract/events';
import { appendEvaluations, appendSteps } from '../../contract/series';
import { emptySeries, MAX_SERIES_LENGTH } from '../../contract/series-schema';
import { formatRunFile, MAX_RUN_FILE_LENGTH, modelsThatDiffer, readRunFile } from './run-file';

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
  it('restores the configuration exactly, the weights’ hashes and the observations', () => {
    const { file } = readRunFile(formatRunFile({ config, series, result }));
    expect(file.config).toEqual(config);
    expect(file.models).toEqual(result.models);
    expect(file.observed).toEqual({
      steps: [1, 2],
      losses: [2.5, 1 / 3],
      accuracy: 0.25,
      validation: { steps: [], shares: [] },
      provider: 'wasm',
      seconds: 7.5,
    });
  });

  it('gives the step numbers of losses and accuracies for a long run', () => {
    const steps = Array.from(
      { length: 9001 },
      (_, i): StepEvent => ({
        kind: 'step',
        step: i + 1,
        steps: 9001,
        learningRate: 1e-3,
        losses: { total: 1 / (i + 3), answer: 1 / (i + 3) },
        gradientNorm: 1.5,
        milliseconds: 2,
      }),
    );
    const evaluations = steps.map(
      ({ step }): EvaluationEvent => ({
        kind: 'evaluation',
        step,
        set: 'validation',
        accuracy: { correct: 1, total: 3, share: step / 9001, low: 0.1, high: 0.9 },
        milliseconds: 2,
      }),
    );
    const long = appendEvaluations(appendSteps(emptySeries, steps), evaluations);
    const text = formatRunFile({ config, series: long, result });
    expect(text.length).toBeLessThan(MAX_RUN_FILE_LENGTH / 2);
    const { observed } = readRunFile(text).file;
    if (!observed) throw new Error('nothing was observed');
    expect(observed.steps.length).toBeGreaterThan(MAX_SERIES_LENGTH / 4);
    observed.steps.forEach((step, i) => {
      expect(observed.losses[i]).toBe(1 / (step + 2));
    });
    expect(observed.steps.at(-1)).toBe(9001);
    expect(observed.validation.steps.length).toBeGreaterThan(MAX_SERIES_LENGTH / 4);
    observed.validation.steps.forEach((step, i) => {
      expect(observed.validation.shares[i]).toBe(step / 9001);
    });
  });

  it('is written for an interrupted run', () => {
    expect(readRunFile(formatRunFile({ config, series, result: null })).file).toEqual({
      kind: 'lori-run',
      config,
      models: {},
    });
  });

  it('may be a bare configuration', () => {
    expect(readRunFile('{"method":"ce"}').file.config).toEqual(parseRunConfig({ method: 'ce' }));
  });

  it.each([
    ['', 'not valid JSON'],
    ['{"kind":"lori-run","config":{"latent":{"steps":0}}}', 'config.latent.steps'],
    ['[1]', 'the file holds'],
    ['null', 'the file holds'],
    ['{"kind":"other"}', 'kind'],
    [`"${'x'.repeat(MAX_RUN_FILE_LENGTH)}"`, `at most ${MAX_RUN_FILE_LENGTH}`],
  ])('refuses %.60s', (text, message) => {
    expect(() => readRunFile(text)).toThrow(message);
  });

  it('names the weights that differ', () => {
    const { file } = readRunFile(formatRunFile({ config, series, result }));
    expect(modelsThatDiffer(file, { base: 'ab', teacher: 'cd' })).toEqual([]);
    expect(modelsThatDiffer(file, { base: 'ab', teacher: 'xx' })).toEqual(['teacher']);
    expect(modelsThatDiffer(file, {})).toEqual(['base', 'teacher']);
  });
});
