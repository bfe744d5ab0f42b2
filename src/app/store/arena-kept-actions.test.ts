import { describe, expect, it, vi } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../contract/config';
import { type DoubleOptions, double } from '../workbench.testing';
import { createApp } from './app-store';
import { type Browser, browser } from './browser.testing';

function open({ storage, students }: Browser, options: DoubleOptions = {}) {
  const engine = double({ pace: 0, ...options });
  const app = createApp({
    connect: () => engine,
    ...{ storage: Promise.resolve(storage), students, hash: '#/arena', pairUrl: '/models/' },
  });
  const state = () => app.store.getState();
  const asked = () => engine.calls.filter((call) => /^(distil|openStudent|evaluate)/.test(call));
  return { ...app, engine, state, asked, arena: () => state().arena };
}

const config = (seed: number, over: object = {}) =>
  parseRunConfig({ optimiser: { steps: 8 }, keeping: { every: 4 }, seed, ...over });
const plan = { presets: ['nocot-128'], seeds: '1-2', heldOut: 20 };

/** A browser that keeps a run of each configuration; their ids. */
async function having(...configs: readonly RunConfig[]) {
  const place = browser();
  const page = open(place);
  const ids: string[] = [];
  for (const one of configs) {
    expect(await page.actions.startRun(one)).toBe(true);
    ids.push(page.state().run.id as string);
  }
  return { place, ids };
}

/** A page of the browser with its kept runs read. */
async function reopened(place: Browser, options: DoubleOptions = {}) {
  const page = open(place, options);
  await page.actions.start(true);
  return page;
}

describe('a kept student in the arena', () => {
  it('answers its problems without being trained, beside the methods, and survives a reload', async () => {
    const { place, ids } = await having(config(2), config(77));
    const page = await reopened(place);
    await page.actions.labelRun(ids[0] as string, { name: 'Mine' });
    page.actions.changeArena(plan);
    for (const id of ids) page.actions.addKeptToArena(id);
    expect(page.arena().kept.map(({ name, seed }) => [name, seed])).toEqual([
      ['Mine', 2],
      [expect.stringContaining('seed 77'), 77],
    ]);
    expect(await page.actions.runArena()).toBe(true);
    expect(page.asked().map((call) => call.split(' ')[0])).toEqual([
      ...['openStudent', 'evaluate', 'openStudent', 'evaluate', 'distil', 'distil'],
    ]);
    expect(page.asked()[1]).toContain('"mode":"own","together":50,"problems":20');
    const { runs, kept } = page.arena();
    expect(runs[0]).toMatchObject({
      ...{ name: 'Mine', seed: 2, total: 20, trainable: 98_304, thoughts: 0, answerMilliseconds: 15 },
      models: { base: 'a'.repeat(64) },
    });
    expect(runs[0]).not.toHaveProperty('trainSeconds');
    expect(runs.map(({ seed }) => seed)).toEqual([2, 77, 1, 2]);

    const again = await reopened(place);
    expect(again.arena()).toMatchObject(JSON.parse(JSON.stringify({ runs, kept })));
    expect(await again.actions.runArena()).toBe(true);
    expect(again.asked()).toEqual([]);
    again.actions.removeFromArena('Mine');
    expect(again.arena().kept).toHaveLength(1);
    expect(again.arena().runs.some(({ name }) => name === 'Mine')).toBe(false);
  });

  it('is refused by name where it cannot take part, and the rest goes on', async () => {
    const opened = config(3, { roles: { student: 'opened', teacher: 'self', data: 'opened' } });
    const { place, ids } = await having(config(1), config(2), config(4), config(5));
    const { runs } = await place.storage.listRuns();
    const last = runs.find(({ id }) => id === ids[3]);
    await place.storage.putRun({ ...last, config: opened } as never);
    const page = await reopened(place);
    page.actions.changeArena({ ...plan, seeds: '1' });
    for (const id of ids) page.actions.addKeptToArena(id);
    // One is deleted with its run, of one only the student, and one is on another base.
    await page.actions.deleteRun(ids[0] as string);
    await place.students.remove(ids[1] as string);
    expect(await page.actions.runArena()).toBe(true);
    expect(page.arena().runs.map(({ seed, failed }) => [seed, failed])).toEqual([
      [1, 'its run or its student is not kept in this browser any more'],
      [2, expect.stringMatching(/^no student of the run .* is kept$/)],
      [4, undefined],
      [3, 'it was trained on an opened model, the contenders on the bundled base'],
      [1, undefined],
    ]);
  });

  it('is refused where the runs so far were made on other weights', async () => {
    const { place, ids } = await having(config(1));
    const page = await reopened(place);
    page.actions.changeArena({ ...plan, seeds: '1' });
    await page.actions.runArena();
    page.actions.addKeptToArena(ids[0] as string);
    const { evaluate } = page.engine;
    page.engine.evaluate = async (...args) => ({
      ...(await evaluate(...args)),
      identity: { base: 'other', student: 'bb' },
    });
    expect(await page.actions.runArena()).toBe(true);
    expect(page.arena().runs.at(-1)?.failed).toBe('the runs so far were made on other weights of the base');
  });

  it('is asked again after a cancellation, and after the engine failed', async () => {
    const { place, ids } = await having(config(1));
    const page = await reopened(place, { pace: 5 });
    page.actions.changeArena({ ...plan, seeds: '1', heldOut: 200 });
    page.actions.addKeptToArena(ids[0] as string);
    const running = page.actions.runArena();
    await vi.waitFor(() => expect(page.arena().now).toMatchObject({ isKept: true, seed: 1 }));
    await vi.waitFor(() => expect(page.asked().some((call) => call.startsWith('evaluate'))).toBe(true));
    page.actions.cancelArena();
    expect(await running).toBe(false);
    expect(page.arena()).toMatchObject({ runs: [], now: null });
    const { evaluate } = page.engine;
    page.engine.evaluate = () =>
      Promise.reject(Object.assign(new Error('the GPU device was lost'), { code: 'lost', hint: '' }));
    expect(await page.actions.runArena()).toBe(false);
    expect(page.arena()).toMatchObject({ runs: [], task: { status: 'failed', error: { code: 'lost' } } });
    expect(page.state().device.status).toBe('failed');
    page.engine.evaluate = evaluate;
    expect(await page.actions.runArena()).toBe(true);
    expect(page.arena().runs.map(({ total }) => total)).toEqual([200, 200]);
  });

  it('has a name of its own', async () => {
    const { place, ids } = await having(config(1), config(1), config(1));
    const page = await reopened(place);
    page.actions.changeArena(plan);
    await page.actions.labelRun(ids[2] as string, { name: 'ce-128' });
    for (const id of ids) page.actions.addKeptToArena(id);
    const names = page.arena().kept.map(({ name }) => name);
    expect(new Set(names).size).toBe(3);
    // That of a preset, which may take part later.
    expect(names[2]).toBe('ce-128 (2)');
  });
});
