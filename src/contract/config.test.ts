import { describe, expect, it } from 'vitest';
import {
  METHODS,
  OURS,
  parseRunConfig,
  parseRunFile,
  RunConfigError,
  type RunFile,
  runConfigSchema,
} from './config';
import { PRESETS } from './presets';

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(RunConfigError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('parseRunConfig', () => {
  it('fills in the defaults of the preset: 128 samples, K = 4', () => {
    const config = parseRunConfig({});
    expect(config).toEqual(parseRunConfig(config));
    expect(config.method).toBe('lori');
    expect(config.data.samples).toBe(128);
    expect(config.latent.steps).toBe(4);
    expect(PRESETS[0]?.config).toEqual(config);
    expect(parseRunConfig({ data: { samples: 7 } })).toEqual({
      ...config,
      data: { ...config.data, samples: 7 },
    });
  });

  it('gives every caller its own defaults', () => {
    const [a, b] = [parseRunConfig({}), parseRunConfig({})];
    a.lora.targets.pop();
    a.data.samples = 1;
    expect(b).toEqual(parseRunConfig({}));
  });

  const bad: [unknown, string, string][] = [
    [{ latent: { steps: 0 } }, 'latent.steps', 'got 0'],
    [{ latent: { steps: 33 } }, 'latent.steps', 'got 33'],
    [{ latent: { steps: 2.5 } }, 'latent.steps', 'got 2.5'],
    [{ latent: { temperature: 0 } }, 'latent.temperature', 'got 0'],
    [{ latent: { filter: 'tanh' } }, 'latent.filter', 'got "tanh"'],
    [{ optimiser: { learningRate: -1e-3 } }, 'optimiser.learningRate', 'got -0.001'],
    [{ optimiser: { learningRate: Number.NaN } }, 'optimiser.learningRate', 'got NaN'],
    [{ optimiser: { learningRate: '1e-3' } }, 'optimiser.learningRate', 'got "1e-3"'],
    [{ optimiser: { beta2: 1 } }, 'optimiser.beta2', 'got 1'],
    [{ optimiser: { clip: Number.POSITIVE_INFINITY } }, 'optimiser.clip', 'got Infinity'],
    [{ optimiser: null }, 'optimiser', 'got null'],
    [{ optimizer: { steps: 3 } }, 'optimizer', 'got an object'],
    [{ weights: { beta: 2 } }, 'weights.beta', 'got 2'],
    [{ weights: { mean: -1 } }, 'weights.mean', 'got -1'],
    [{ method: 'dart' }, 'method', 'got "dart"'],
    [{ seed: 2 ** 31 }, 'seed', 'got 2147483648'],
    [{ seed: 1n }, 'seed', 'got 1'],
    [{ version: 2 }, 'version', 'got 2'],
    [{ data: { samples: 0 } }, 'data.samples', 'got 0'],
    [{ lora: { targets: [] } }, 'lora.targets', 'got []'],
    [{ lora: { targets: ['q', 'w'] } }, 'lora.targets.1', 'got "w"'],
    [{ factors: { anchor: { hooi: 'yes' } } }, 'factors.anchor.hooi', 'got "yes"'],
    [[], '(the whole file)', 'got []'],
    [undefined, '(the whole file)', 'got nothing'],
    ['x'.repeat(500), '(the whole file)', 'got "xxx'],
  ];
  it.each(bad)('refuses %o, naming path and value', (value, path, got) => {
    const line = refusal(() => parseRunConfig(value))
      .split('\n')
      .slice(1);
    expect(line).toHaveLength(1);
    expect(line[0]).toMatch(new RegExp(`^${path.replace(/[.()]/g, '\\$&')}: `));
    expect(line[0]).toContain(got);
    expect((line[0] as string).length).toBeLessThan(250);
  });

  it('names every bad value, one a line', () => {
    const message = refusal(() => parseRunConfig({ seed: -1, latent: { steps: 99, k: 1 }, more: 1 }));
    for (const path of ['seed', 'latent.steps', 'latent.k', 'more']) expect(message).toContain(`\n${path}: `);
    expect(message.split('\n')).toHaveLength(5);
  });

  it('is not fooled by inherited names', () => {
    const hostile = JSON.parse('{"__proto__": {"seed": 5}, "constructor": 1}');
    expect(refusal(() => parseRunConfig(hostile))).toContain('constructor');
    expect(parseRunConfig({}).seed).toBe(1);
  });

  it('lists as ours only paths that exist', () => {
    for (const path of OURS) {
      const value = path
        .split('.')
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], parseRunConfig({}));
      expect(value, path).toBeDefined();
    }
  });

  it('has a preset for every method, ids of their own, each a valid configuration', () => {
    expect(new Set(PRESETS.map((p) => p.config.method))).toEqual(new Set(METHODS));
    expect(new Set(PRESETS.map((p) => p.id)).size).toBe(PRESETS.length);
    for (const { config } of PRESETS) expect(runConfigSchema.parse(config)).toEqual(config);
  });
});

describe('parseRunFile', () => {
  const file: RunFile = {
    kind: 'lori-run',
    config: parseRunConfig({ seed: 7, method: 'codi', lora: { targets: ['q'] } }),
    models: { base: 'ab', teacher: 'cd' },
    observed: { losses: [1.25, 0.1 + 0.2], accuracy: null, provider: 'wasm', seconds: 3 },
  };

  it('survives JSON to the bit', () => {
    expect(parseRunFile(JSON.parse(JSON.stringify(file)))).toEqual(file);
  });

  it('takes a bare configuration', () => {
    expect(parseRunFile({ seed: 3 })).toEqual({
      kind: 'lori-run',
      config: parseRunConfig({ seed: 3 }),
      models: {},
    });
  });

  const bad: [unknown, string][] = [
    [{ ...file, kind: 'run' }, 'kind: '],
    [{ ...file, config: { ...file.config, seed: 'one' } }, 'config.seed: '],
    [{ ...file, extra: 1 }, 'extra: there is no such setting; got 1'],
    [{ ...file, models: { base: 3 } }, 'models.base: '],
    [{ ...file, observed: { ...file.observed, losses: [1, null] } }, 'observed.losses.1: '],
    [{ kind: 'lori-run' }, 'config: '],
    [[file], 'the file holds ['],
    [null, 'the file holds null'],
  ];
  it.each(bad)('refuses %o', (value, expected) => {
    expect(refusal(() => parseRunFile(value))).toContain(expected);
  });
});
