import { deleteDB, openDB } from 'idb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../contract/config';
import { defaultSettings, type SavedRun } from './rows';
import { emptySeries } from './series';
import { LARGEST_COUNT, openStore } from './store';

let name = '';
beforeEach(() => {
  name = `test-${crypto.randomUUID()}`;
});
afterEach(() => deleteDB(name, { blocked: () => {} }));

const run = (n: number): SavedRun => ({
  id: `run-${n}`,
  savedAt: n,
  config: parseRunConfig({ seed: n }),
  result: null,
  series: {
    ...emptySeries,
    step: [1],
    learningRate: [1e-3],
    gradientNorm: [2],
    milliseconds: [3],
    losses: { total: [Number.NaN] },
  },
});

describe('store', () => {
  it('keeps settings and runs, newest first, over a reopening', async () => {
    const store = await openStore(name);
    expect(store.unavailable).toBeNull();
    expect(await store.loadSettings()).toEqual(defaultSettings);
    await store.saveSettings({ theme: 'dark', provider: 'wasm', spectraSamples: 9 });
    await store.saveRun(run(1));
    await store.saveRun(run(2));
    await store.saveRun({ ...run(1), savedAt: 3 });
    const again = await openStore(name);
    expect(await again.loadSettings()).toEqual({ theme: 'dark', provider: 'wasm', spectraSamples: 9 });
    expect(await again.listRuns()).toEqual({ runs: [{ ...run(1), savedAt: 3 }, run(2)], damaged: 0 });
    await again.deleteRun('run-1');
    expect((await again.listRuns()).runs.map(({ id }) => id)).toEqual(['run-2']);
  });

  it('reads runs kept before the student was observed', async () => {
    const store = await openStore(name);
    await store.saveRun(run(1));
    const db = await openDB(name);
    const { series, config, ...rest } = run(2);
    const { spectra: _none, ...oldSeries } = series;
    const { observation: _later, ...oldConfig } = config;
    await db.put('runs', { ...rest, series: oldSeries, config: oldConfig }, 'run-2');
    db.close();
    expect(await store.listRuns()).toEqual({ runs: [run(2), run(1)], damaged: 0 });
  });

  it('leaves out rows it cannot read, and counts them', async () => {
    const store = await openStore(name);
    await store.saveRun(run(1));
    const db = await openDB(name);
    await db.put('runs', { ...run(2), series: { ...emptySeries, step: [1, 2] } }, 'unequal');
    await db.put('runs', 'not a row', 'text');
    await db.put('runs', { ...run(3), config: { latent: { steps: 0 } } }, 'config');
    await db.put('settings', { theme: 'pink', spectraSamples: 4 }, 'settings');
    db.close();
    expect(await store.listRuns()).toEqual({ runs: [run(1)], damaged: 3 });
    expect(await store.loadSettings()).toEqual({ ...defaultSettings, spectraSamples: 4 });
  });

  it('drops the oldest beyond its limit', async () => {
    const store = await openStore(name);
    for (let n = 1; n <= LARGEST_COUNT + 2; n++) await store.saveRun(run(n));
    const { runs } = await store.listRuns();
    expect(runs).toHaveLength(LARGEST_COUNT);
    expect(runs.at(-1)?.id).toBe('run-3');
  });

  it('is one in memory where the browser refuses', async () => {
    // A database of a later version than ours cannot be opened.
    (await openDB(name, 99)).close();
    const store = await openStore(name);
    expect(store.unavailable).toMatch(/version/);
    await store.saveRun(run(1));
    expect((await store.listRuns()).runs).toHaveLength(1);
  });
});
