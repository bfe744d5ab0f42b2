import { describe, expect, it } from 'vitest';
import { parseRunConfig, readRunConfig, withMethod } from './config';
import { METHODS } from './methods/index';
import { findPreset, PRESETS } from './presets';
import { refusal } from './refusal.testing';

describe('parseRunConfig', () => {
  it('fills in the defaults of the first preset: 128 samples, K = 5', () => {
    const config = parseRunConfig({});
    expect(config).toEqual(parseRunConfig(config));
    expect(config.method).toBe('lori');
    expect(config.data.samples).toBe(128);
    expect(config.latent.steps).toBe(5);
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

  it('holds the settings its method has and no others', () => {
    const common = [
      ...['version', 'method', 'seed', 'roles', 'data', 'lora', 'optimiser', 'evaluation', 'observation'],
      ...['keeping', 'training'],
    ];
    const keys = (config: object) => Object.keys(config).filter((key) => !common.includes(key));
    expect(keys(parseRunConfig({ method: 'lori' }))).toEqual(['latent', 'weights', 'factors']);
    expect(keys(parseRunConfig({ method: 'ce' }))).toEqual(['latent', 'weights']);
    expect(keys(parseRunConfig({ method: 'nocot' }))).toEqual(['weights', 'answer']);
    expect(parseRunConfig({ method: 'codi' }).factors).toEqual({ rationale: 'results' });
    expect(parseRunConfig({ method: 'nocot' }).weights).toEqual({ answer: 0.3 });
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
    [{ method: 'unheard-of' }, 'method', 'got "unheard-of"'],
    [{ method: 'constructor' }, 'method', 'got "constructor"'],
    [{ method: 'ce', factors: { layerRank: 4 } }, 'factors', 'got an object'],
    [{ method: 'nocot', weights: { explicit: 1 } }, 'weights.explicit', 'got 1'],
    [{ seed: 2 ** 31 }, 'seed', 'got 2147483648'],
    [{ seed: 1n }, 'seed', 'got 1'],
    [{ version: 3 }, 'version', 'got 3'],
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

  it('names every bad value, one per line', () => {
    const message = refusal(() => parseRunConfig({ seed: -1, latent: { steps: 99, k: 1 }, more: 1 }));
    for (const path of ['seed', 'latent.steps', 'latent.k', 'more']) expect(message).toContain(`\n${path}: `);
    expect(message.split('\n')).toHaveLength(5);
  });

  it('says what was expected, from the setting itself', () => {
    const line = (value: object) => refusal(() => parseRunConfig(value)).split('\n')[1];
    expect(line({ data: { heldOut: 0.5 } })).toBe(
      'data.heldOut: a whole number, 0 to 5000, is expected; got 0.5',
    );
    expect(line({ latent: { temperature: 0 } })).toBe(
      'latent.temperature: a number, more than 0, at most 100, is expected; got 0',
    );
    expect(line({ lora: { targets: ['q', 'w'] } })).toMatch(
      /^lora\.targets\.1: a list of q, k, .*, at least one of them, is expected; got "w"/,
    );
  });

  it('says what is wrong in a few lines, however much is', () => {
    const many = Object.fromEntries(Array.from({ length: 90_000 }, (_, i) => [`key${i}`, i]));
    const message = refusal(() => parseRunConfig(many));
    expect(message.length).toBeLessThan(2500);
    expect(message).toMatch(/\nand 89988 more$/);
    expect(refusal(() => parseRunConfig({ [`k${'x'.repeat(900_000)}`]: 1 })).length).toBeLessThan(500);
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(refusal(() => parseRunConfig({ seed: deep }))).toMatch(/\nseed: .*got \[a list\]$/);
  });

  it('is not fooled by inherited names', () => {
    const hostile = JSON.parse('{"__proto__": {"seed": 5}, "constructor": 1}');
    expect(refusal(() => parseRunConfig(hostile))).toContain('constructor');
    expect(parseRunConfig({}).seed).toBe(1);
  });
});

describe('a configuration of version 1', () => {
  /** Those of version 1's defaults that are others today. */
  const latent = { steps: 4 };

  /** As version 1 wrote them: every method's settings, whatever the method. */
  const old = (method: string, changes: Record<string, object> = {}) => {
    const { version: _v, method: _m, ...lori } = parseRunConfig({ method: 'lori', latent });
    return {
      ...lori,
      version: 1,
      method,
      weights: { ...lori.weights, codi: 1, ...changes.weights },
      factors: { ...lori.factors, ...changes.factors },
    };
  };

  it('is read, dropping settings the method lacks if they have version 1’s default', () => {
    expect(readRunConfig(old('lori'))).toEqual({ config: parseRunConfig({ latent }), notes: [] });
    expect(readRunConfig(old('nocot', { weights: { answer: 0.7 } }))).toEqual({
      config: parseRunConfig({ method: 'nocot', weights: { answer: 0.7 } }),
      notes: [],
    });
  });

  it('keeps the rationale setting for every method that reads the teacher', () => {
    const { config, notes } = readRunConfig(old('codi', { factors: { rationale: 'steps' } }));
    expect(config).toEqual(parseRunConfig({ method: 'codi', factors: { rationale: 'steps' }, latent }));
    expect(notes).toEqual([]);
  });

  it('names changed settings that are left out, and is refused where the note would go unseen', () => {
    const changed = old('ce', { weights: { mean: 3 }, factors: { layerRank: 2 } });
    const { config, notes } = readRunConfig(changed);
    expect(config).toEqual(parseRunConfig({ method: 'ce', latent }));
    expect(notes).toEqual([
      'factors.layerRank = 2 was left out: CE only has no such setting.',
      'weights.mean = 3 was left out: CE only has no such setting.',
    ]);
    expect(refusal(() => parseRunConfig(changed))).toContain('weights.mean = 3');
  });

  it('takes version 1’s defaults for missing settings', () => {
    const { config } = readRunConfig({ version: 1, method: 'ce', seed: 7 });
    expect(config).toEqual(parseRunConfig({ method: 'ce', seed: 7, latent }));
    expect(config.weights).toMatchObject({ answer: 0.3 });
  });

  it('is refused for what version 1 did not have, and for bad values', () => {
    expect(refusal(() => readRunConfig({ version: 1, weights: { beta: 1 }, more: 2 }))).toMatch(
      /weights\.beta: there is no such setting; got 1\nmore: there is no such setting; got 2/,
    );
    expect(refusal(() => readRunConfig({ version: 1, factors: 3 }))).toContain('factors: ');
    expect(refusal(() => readRunConfig({ version: 1, latent: { steps: 0 } }))).toContain('latent.steps: ');
  });
});

describe('withMethod', () => {
  it('keeps settings that both methods have, and names those the new one lacks', () => {
    const lori = parseRunConfig({ method: 'lori', seed: 4, latent: { steps: 2 }, weights: { answer: 0.9 } });
    const { config, left } = withMethod(lori, 'ce');
    expect(config).toEqual(
      parseRunConfig({ method: 'ce', seed: 4, latent: { steps: 2 }, weights: { answer: 0.9 } }),
    );
    expect(left.map(([path]) => path)).toContain('weights.covariance');
    expect(left.map(([path]) => path)).toContain('factors.anchor.hooi');
    expect(withMethod(lori, 'lori')).toEqual({ config: lori, left: [] });
    expect(() => withMethod(lori, 'unheard-of')).toThrow(/method: one of lori, .* is expected/);
  });
});

describe('presets', () => {
  it('are there for every method, with ids of their own, each a valid configuration', () => {
    expect(new Set(PRESETS.map((p) => p.config.method))).toEqual(new Set(METHODS.map(({ id }) => id)));
    const ids = PRESETS.flatMap((p) => [p.id, ...p.formerly]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { config } of PRESETS) expect(parseRunConfig(config)).toEqual(config);
  });

  it('are called LoRi only if they follow the paper: whole rationales, with the anchor', () => {
    const lori = PRESETS.filter(({ name }) => name === 'LoRi');
    expect(lori.map(({ id }) => id)).toEqual(['lori-paper-128']);
    const config = parseRunConfig({ ...lori[0]?.config, method: 'lori' as const });
    expect(config.factors.rationale).toBe('steps');
    expect(config.weights.anchor).toBeGreaterThan(0);
  });

  it('are found by ids in old links, with their values of that time', () => {
    expect(findPreset('lori-128')?.id).toBe('lori-results-128');
    expect(findPreset('lori-steps-128')?.id).toBe('lori-paper-128');
    expect(findPreset('lori')).toBeUndefined();
    expect(findPreset(null)).toBeUndefined();
  });
});
