import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { METHODS } from '../../contract/methods/index';
import type { SavedRun } from '../../contract/saved-run';
import { emptySeries } from '../../contract/series-schema';
import { circumstances, differences, runName, searchRuns } from './run-names';

const run = (id: string, config: object, labels: Partial<SavedRun> = {}): SavedRun => ({
  ...{ id, savedAt: 1, result: null, series: emptySeries },
  ...{ config: parseRunConfig(config), ...labels },
});
const runs = [
  run('2026-11-26T01', { seed: 3 }),
  run('2026-11-27T02', { seed: 13, optimiser: { steps: 20 } }, { name: 'Short one', tags: ['paper'] }),
  run('2026-11-28T03', { method: 'codi' }),
];
const found = (words: string) => searchRuns(runs, words, METHODS).map(({ id }) => id.slice(-2));

describe('searching runs', () => {
  it('finds every word in names, tags, dates and settings', () => {
    expect(found('')).toEqual(['01', '02', '03']);
    expect(found('seed 3')).toEqual(['01']);
    expect(found('SHORT')).toEqual(['02']);
    expect(found('paper optimiser.steps 20')).toEqual(['02']);
    expect(found('codi')).toEqual(['03']);
    expect(found('2026-11-27')).toEqual(['02']);
    expect(found('codi paper')).toEqual([]);
  });

  it('names runs after their configuration unless the user named them', () => {
    expect(runName(runs[1] as SavedRun, METHODS)).toBe('Short one');
    expect(runName(runs[0] as SavedRun, METHODS)).toMatch(/^LoRi.*128 samples, seed 3$/);
  });
});

describe('differences of configurations', () => {
  it('are the settings that are not equal, including those that only one method has', () => {
    const [a, b, c] = runs.map(({ config }) => config) as [
      SavedRun['config'],
      SavedRun['config'],
      SavedRun['config'],
    ];
    expect(differences([a, a])).toEqual([]);
    expect(differences([a, b])).toEqual([
      { path: 'seed', values: ['3', '13'] },
      { path: 'optimiser.steps', values: [String(a.optimiser.steps), '20'] },
    ]);
    const all = differences([a, c]);
    expect(all.find(({ path }) => path === 'method')?.values).toEqual(['lori', 'codi']);
    expect(all.find(({ path }) => path === 'factors.layerRank')?.values.at(-1)).toBeNull();
  });
});

it('runs with equal settings differ in what they ran on: models, how these were kept, the provider', () => {
  const on = (over: object) => ({
    result: { models: { base: '0123456789' }, provider: 'wasm', ...over } as unknown as SavedRun['result'],
  });
  expect(circumstances([on({}), on({})])).toEqual([]);
  const runs = [
    on({ storages: { base: 'int8' } }),
    on({ storages: { base: 'f32' }, provider: 'webgpu', models: { base: 'abcdef0123' } }),
    on({}),
    { result: null },
  ];
  expect(circumstances(runs)).toEqual([
    { path: 'models (sha256)', values: ['base 01234567', 'base abcdef01', 'base 01234567', null] },
    { path: 'matrices kept in', values: ['8 bits', 'float32', null, null] },
    { path: 'computed on', values: ['WASM', 'WebGPU', 'WASM', null] },
  ]);
});
