import { describe, expect, it } from 'vitest';
import { parseRunConfig } from './config';
import { refusal } from './refusal.testing';
import { parseRunFile, type RunFile } from './run-file';

const file: RunFile = {
  kind: 'lori-run',
  config: parseRunConfig({ seed: 7, method: 'codi', lora: { targets: ['q'] } }),
  models: { base: 'ab', teacher: 'cd' },
  observed: {
    steps: [1, 3],
    losses: [1.25, 0.1 + 0.2],
    accuracy: null,
    validation: { steps: [2], shares: [0.25] },
    provider: 'wasm',
    seconds: 3,
  },
};

describe('parseRunFile', () => {
  it('survives JSON to the bit', () => {
    expect(parseRunFile(JSON.parse(JSON.stringify(file)))).toEqual({ file, notes: [] });
  });

  it('takes a bare configuration', () => {
    expect(parseRunFile({ seed: 3 }).file).toEqual({
      kind: 'lori-run',
      config: parseRunConfig({ seed: 3 }),
      models: {},
    });
  });

  const old = (losses: number[], steps: number) => ({
    kind: 'lori-run',
    config: { version: 1, method: 'ce', optimiser: { steps } },
    observed: { losses, accuracy: 0.5, provider: 'wasm', seconds: 3 },
  });

  it('numbers the steps of an older file that kept every step', () => {
    const { file: read, notes } = parseRunFile(old([3, 2, 1], 3));
    expect(read.observed).toMatchObject({ steps: [1, 2, 3], losses: [3, 2, 1], accuracy: 0.5 });
    expect(notes).toEqual([]);
    // A run of many steps that was stopped before any of them was dropped.
    expect(parseRunFile(old([3, 2, 1], 50_000)).file.observed?.steps).toEqual([1, 2, 3]);
  });

  it('does not guess the steps of an older, thinned long run', () => {
    const { file: read, notes } = parseRunFile(
      old(Array.from({ length: 2500 }, (_, i) => 1 / i + 1).slice(1), 5000),
    );
    expect(read.observed).toMatchObject({ steps: [], losses: [], accuracy: 0.5 });
    expect(notes).toEqual([expect.stringMatching(/losses in the file were left out.*step numbers/)]);
  });

  it('names the settings of an old configuration that its method lacks', () => {
    const { notes } = parseRunFile({
      kind: 'lori-run',
      config: { version: 1, method: 'nocot', latent: { steps: 3 } },
    });
    expect(notes).toEqual([expect.stringContaining('latent.steps = 3')]);
  });

  const bad: [unknown, string][] = [
    [{ ...file, kind: 'run' }, 'kind: '],
    [{ ...file, config: { ...file.config, seed: 'one' } }, 'config.seed: '],
    [{ ...file, config: { ...file.config, method: 'unknown' } }, 'config.method: one of lori'],
    [{ ...file, extra: 1 }, 'extra: there is no such setting; got 1'],
    [{ ...file, models: { base: 3 } }, 'models.base: '],
    [{ ...file, observed: { ...file.observed, losses: [1, null] } }, 'observed.losses.1: '],
    [
      { ...file, observed: { ...file.observed, steps: [1] } },
      'equal numbers of losses and steps are expected',
    ],
    [{ kind: 'lori-run' }, 'config: '],
    [[file], 'the file holds ['],
    [null, 'the file holds null'],
  ];
  it.each(bad)('refuses %o', (value, expected) => {
    expect(refusal(() => parseRunFile(value))).toContain(expected);
  });
});
