import { deleteDB, openDB } from 'idb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseRunConfig } from '../contract/config';
import { evaluationKey } from '../contract/evaluation';
import type { SavedRun } from '../contract/saved-run';
import { emptySeries } from '../contract/series-schema';
import { row } from './evaluation-row.testing';
import { defaultSettings } from './rows';
import { MAX_RUNS, openStore } from './store';

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
  it('keeps settings and runs across reopening, newest first', async () => {
    const store = await openStore(name);
    expect(store.unavailable).toBeNull();
    expect(await store.loadSettings()).toEqual(defaultSettings);
    await store.saveSettings({ theme: 'dark', provider: 'wasm', spectraSamples: 9, hasVisited: true });
    await store.saveRun(run(1));
    await store.saveRun(run(2));
    await store.saveRun({ ...run(1), savedAt: 3 });
    const again = await openStore(name);
    expect(await again.loadSettings()).toEqual({
      theme: 'dark',
      provider: 'wasm',
      spectraSamples: 9,
      hasVisited: true,
    });
    expect(await again.listRuns()).toMatchObject({ runs: [{ ...run(1), savedAt: 3 }, run(2)], damaged: [] });
    await again.deleteRun('run-1');
    expect((await again.listRuns()).runs.map(({ id }) => id)).toEqual(['run-2']);
  });

  it('reads runs stored before the student was observed', async () => {
    const store = await openStore(name);
    await store.saveRun(run(1));
    const db = await openDB(name);
    const { series, config, ...rest } = run(2);
    const { spectra: _none, ...oldSeries } = series;
    const { observation: _later, ...oldConfig } = config;
    await db.put('runs', { ...rest, series: oldSeries, config: oldConfig }, 'run-2');
    db.close();
    expect(await store.listRuns()).toMatchObject({ runs: [run(2), run(1)], damaged: [] });
  });

  /** Writes raw values directly into the database. */
  const plant = async (rows: Readonly<Record<string, unknown>>) => {
    const db = await openDB(name);
    for (const [key, row] of Object.entries(rows)) await db.put('runs', row, key);
    db.close();
  };

  it('lists unreadable rows with the reason, and deletes them on request', async () => {
    const store = await openStore(name);
    await store.saveRun(run(1));
    await plant({
      unequal: { ...run(2), id: 'unequal', series: { ...emptySeries, step: [1, 2] } },
      text: 'not a row',
      config: { ...run(3), id: 'config', config: { latent: { steps: 0 } } },
      // Intl.DateTimeFormat throws on such a date.
      date: { ...run(4), id: 'date', savedAt: 1e300 },
      other: run(5),
      method: { ...run(6), id: 'method', config: { ...run(6).config, method: 'later' } },
    });
    const db = await openDB(name);
    await db.put('settings', { theme: 'pink', spectraSamples: 4 }, 'settings');
    db.close();
    const { runs, damaged } = await store.listRuns();
    expect(runs).toEqual([run(1)]);
    expect(damaged.map(({ id }) => id)).toEqual(['config', 'date', 'method', 'other', 'text', 'unequal']);
    expect(damaged.find(({ id }) => id === 'date')?.reason).toMatch(/^savedAt: /);
    expect(await store.loadSettings()).toEqual({ ...defaultSettings, spectraSamples: 4 });
    for (const { id } of damaged) await store.deleteRun(id);
    expect(await store.listRuns()).toMatchObject({ runs: [run(1)], damaged: [] });
  });

  it('keeps evaluations across reopening, in a database older than they are, and beside damaged rows', async () => {
    const before = await openDB(name, 1, {
      upgrade(db) {
        db.createObjectStore('settings');
        db.createObjectStore('runs').createIndex('savedAt', 'savedAt');
      },
    });
    await before.put('runs', run(1), 'run-1');
    before.close();
    const store = await openStore(name);
    const [one, other] = [row(3), row(5)];
    await store.saveEvaluation(other);
    await store.saveEvaluation({ ...one, evaluation: { ...one.evaluation, items: [] } });
    await store.saveEvaluation(one);
    // Another tab has answered another problem of the same evaluation, and knows nothing of this answer.
    const [item] = one.evaluation.items;
    const more = { ...(item as NonNullable<typeof item>), id: 'held-out-2' };
    const tab = await openStore(name);
    const both = { ...one, evaluation: { ...one.evaluation, items: [more, ...one.evaluation.items] } };
    expect(await tab.saveEvaluation({ ...one, evaluation: { ...one.evaluation, items: [more] } })).toEqual(
      both,
    );
    const db = await openDB(name);
    await db.put('evaluations', { savedAt: 1, evaluation: { request: 7 } }, 'bad');
    db.close();
    const again = await openStore(name);
    const found = await again.listEvaluations();
    expect(found.rows).toEqual([both, other]);
    expect(found.damaged).toEqual([{ id: 'bad', reason: expect.stringMatching(/^evaluation\./) }]);
    await again.deleteEvaluation('bad');
    await again.deleteEvaluation(evaluationKey(one.evaluation));
    expect(await again.listEvaluations()).toEqual({ rows: [other], damaged: [] });
    expect((await again.listRuns()).runs).toEqual([run(1)]);
  });

  it('drops the oldest beyond its limit', async () => {
    const store = await openStore(name);
    for (let n = 1; n <= MAX_RUNS + 2; n++) await store.saveRun(run(n));
    const { runs } = await store.listRuns();
    expect(runs).toHaveLength(MAX_RUNS);
    expect(runs.at(-1)?.id).toBe('run-3');
  });

  it('saves a run, and drops none, if it cannot tell which have students', async () => {
    const list = () => Promise.reject(new Error('no folder'));
    const store = await openStore(name, { students: { list } });
    for (let n = 1; n <= MAX_RUNS + 1; n++) await store.saveRun(run(n));
    expect((await store.listRuns()).runs).toHaveLength(MAX_RUNS + 1);
  });

  it('does not drop a readable row to make room for a damaged one, dated or not', async () => {
    const store = await openStore(name);
    const rows = Array.from({ length: MAX_RUNS }, (_, i): [string, unknown] => [
      `bad-${i}`,
      i % 2 === 0 ? { id: `bad-${i}` } : { id: `bad-${i}`, savedAt: 1e12 + i },
    ]);
    await store.saveRun(run(1));
    await plant(Object.fromEntries(rows));
    await store.saveRun(run(2));
    await store.saveRun(run(3));
    const { runs, damaged } = await store.listRuns();
    expect(runs.map(({ id }) => id)).toEqual(['run-3', 'run-2', 'run-1']);
    expect(damaged).toHaveLength(MAX_RUNS);
  });

  it('reopens after another tab has caused its connection to close', async () => {
    const store = await openStore(name);
    await store.saveRun(run(1));
    // A newer version of the page adds an object store.
    const later = await openDB(name, 7, { upgrade: (db) => void db.createObjectStore('more') });
    await store.saveRun(run(2));
    await store.deleteRun('run-1');
    expect((await store.listRuns()).runs).toEqual([run(2)]);
    later.close();
    // This version can also be opened afresh.
    const again = await openStore(name);
    expect(again.unavailable).toBeNull();
    expect((await again.listRuns()).runs).toEqual([run(2)]);
  });

  it('falls back to memory when a newer version stores data in another form', async () => {
    (await openDB(name, 99)).close();
    const store = await openStore(name);
    expect(store.unavailable).toMatch(/later version/);
    await store.saveRun(run(1));
    expect((await store.listRuns()).runs).toHaveLength(1);
  });

  it('falls back to memory when the browser does not answer', async () => {
    // An upgrade that never ends blocks every other connection.
    let finish = () => {};
    const blocker = openDB(name, 1, {
      upgrade(db, _old, _new, transaction) {
        const store = db.createObjectStore('held');
        let held = true;
        finish = () => {
          held = false;
        };
        const spin = () => {
          if (held) void store.count().then(spin);
        };
        spin();
        void transaction;
      },
    });
    const from = performance.now();
    const store = await openStore(name, { limit: 300 });
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(store.unavailable).toMatch(/did not respond within/);
    finish();
    (await blocker).close();
  });
});

describe.each([
  ['by a lock', {}],
  ['by heartbeats, over plain http', { locks: null }],
])('a run under way, known %s', (_how, options) => {
  it('is visible to other tabs, which cannot delete it until it ends', async () => {
    const [a, b] = [await openStore(name, options), await openStore(name, options)];
    await a.saveRun(run(1));
    a.beginRun('run-1');
    await vi.waitFor(async () => expect([...(await b.listRuns()).underWay]).toEqual(['run-1']));
    await expect(b.deleteRun('run-1')).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('another tab'),
    });
    expect((await b.listRuns()).runs).toHaveLength(1);
    a.endRun('run-1');
    await vi.waitFor(async () => expect((await b.listRuns()).underWay.size).toBe(0));
    await b.deleteRun('run-1');
    expect((await a.listRuns()).runs).toEqual([]);
  });

  it('does not partly reappear after it was deleted', async () => {
    const [a, b] = [await openStore(name, options), await openStore(name, options)];
    await a.saveRun(run(1));
    await b.deleteRun('run-1');
    await expect(a.saveRun(run(1))).rejects.toThrow('deleted while it was in progress');
    expect((await b.listRuns()).runs).toEqual([]);
  });
});
