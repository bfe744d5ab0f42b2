import { expect, it, vi } from 'vitest';
import type { Evaluation } from '../../contract/evaluation';
import { memoryStore, type Store } from '../../storage/store';
import { double } from '../workbench.testing';
import { createApp } from './app-store';
import { isBusy } from './task';

function open(storage: Store, pace = 0) {
  const engine = double({ pace });
  const app = createApp({
    connect: () => engine,
    storage: Promise.resolve(storage),
    hash: '#/latents',
    pairUrl: 'models',
  });
  return { ...app, engine, list: () => app.store.getState().evaluation.list.map((one) => one.evaluation) };
}

it('keeps a cancelled evaluation across a reload and continues it; other requests are kept beside it', async () => {
  const storage = memoryStore('test');
  const first = open(storage, 2);
  first.actions.changeForm('evaluation', { subject: 'base', mode: 'direct', problems: 3 });
  expect(await first.actions.runEvaluation()).toBe(true);
  first.actions.changeForm('evaluation', { subject: 'teacher', mode: 'explicit', problems: 300 });
  const running = first.actions.runEvaluation();
  await vi.waitFor(() => expect(first.list()[1]?.items.length).toBeGreaterThan(3));
  first.actions.cancelEvaluation();
  expect(await running).toBe(false);
  const answered = first.list()[1]?.items.length ?? 0;
  expect(answered).toBeLessThan(300);
  // The last write has the latest answers.
  await vi.waitFor(async () =>
    expect((await storage.listEvaluations()).rows.at(-1)?.evaluation.items).toHaveLength(answered),
  );

  const second = open(storage);
  await second.actions.loadEvaluations();
  expect(second.list()).toEqual(first.list());
  expect(second.store.getState().evaluation.shown).toBe(2);
  expect(await second.actions.continueEvaluation(2)).toBe(true);
  expect(second.list()[1]?.items).toHaveLength(300);
  expect(second.list()[1]?.items.slice(0, answered)).toEqual(first.list()[1]?.items);
  expect(isBusy(second.store.getState().evaluation.task)).toBe(false);

  second.actions.removeEvaluation(1);
  await vi.waitFor(async () => expect((await storage.listEvaluations()).rows).toHaveLength(1));
  const third = open(storage);
  await third.actions.loadEvaluations();
  expect(third.list().map(({ items }) => items.length)).toEqual([300]);
});

it('loses no answers when two tabs answer the same problems, whichever writes last', async () => {
  const storage = memoryStore('test');
  const [one, other] = [open(storage), open(storage, 20)];
  for (const { actions } of [one, other])
    actions.changeForm('evaluation', { subject: 'teacher', mode: 'explicit', problems: 300 });
  const slow = other.actions.runEvaluation();
  await vi.waitFor(() => expect(other.list()[0]?.items.length).toBeGreaterThan(0));
  expect(await one.actions.runEvaluation()).toBe(true);
  expect(one.list()[0]?.items).toHaveLength(300);
  await vi.waitFor(async () =>
    expect((await storage.listEvaluations()).rows[0]?.evaluation.items).toHaveLength(300),
  );
  // The slower one writes what it has, which is less, and takes over the rest.
  other.actions.cancelEvaluation();
  expect(await slow).toBe(false);
  await vi.waitFor(() => expect(other.list()[0]?.items).toHaveLength(300));
  const { rows } = await storage.listEvaluations();
  expect(rows).toHaveLength(1);
  expect(new Set(rows[0]?.evaluation.items.map(({ id }) => id)).size).toBe(300);
});

it('continues from what another tab has answered meanwhile, and reads nothing before it is shown', async () => {
  const storage = memoryStore('test');
  let read = 0;
  const counting: Store = {
    ...storage,
    listEvaluations: () => storage.listEvaluations().finally(() => read++),
  };
  const one = open(storage);
  one.actions.changeForm('evaluation', { subject: 'base', mode: 'direct', problems: 9 });
  await one.actions.runEvaluation();
  const [whole] = one.list() as [Evaluation];
  const part = (from: number, to: number): Evaluation => ({ ...whole, items: whole.items.slice(from, to) });
  const other = open(counting);
  await other.actions.start(false);
  expect(read).toBe(0);
  await other.actions.loadEvaluations();
  one.actions.removeEvaluation(1);
  await vi.waitFor(async () => expect((await storage.listEvaluations()).rows).toHaveLength(0));
  other.actions.removeEvaluation(1);
  other.actions.readEvaluations(JSON.stringify({ evaluations: [part(0, 3)] }));
  await vi.waitFor(async () =>
    expect((await storage.listEvaluations()).rows[0]?.evaluation.items).toHaveLength(3),
  );
  await storage.saveEvaluation({ savedAt: 1, evaluation: part(2, 6) });
  const asked = vi.spyOn(other.engine, 'evaluate');
  expect(await other.actions.continueEvaluation(1)).toBe(true);
  expect(asked.mock.calls[0]?.[0].known).toHaveLength(6);
  expect(other.list()[0]?.items).toHaveLength(9);
});

it('lists unreadable rows, each of which can be deleted, and reports failures to store once', async () => {
  const memory = memoryStore('test');
  const first = open(memory);
  first.actions.changeForm('evaluation', { subject: 'base', mode: 'direct', problems: 2 });
  await first.actions.runEvaluation();
  await vi.waitFor(async () => expect((await memory.listEvaluations()).rows).toHaveLength(1));
  const deleted: string[] = [];
  const { store, actions, list } = open({
    ...memory,
    listEvaluations: async () => ({
      ...(await memory.listEvaluations()),
      damaged: [{ id: 'bad', reason: 'the row: not readable' }],
    }),
    saveEvaluation: () => Promise.reject(new Error('no room')),
    deleteEvaluation: async (key) => void deleted.push(key),
  });
  await actions.loadEvaluations();
  expect(list()).toHaveLength(1);
  expect(store.getState().evaluation.damaged).toHaveLength(1);
  await actions.deleteDamagedEvaluation('bad');
  expect(deleted).toEqual(['bad']);
  expect(store.getState().evaluation.damaged).toEqual([]);
  actions.changeForm('evaluation', { subject: 'base', mode: 'direct', problems: 3 });
  expect(await actions.runEvaluation()).toBe(true);
  await vi.waitFor(() =>
    expect(
      store
        .getState()
        .notices.map(({ text }) => text)
        .join(),
    ).toContain('could not be kept in this browser: no room'),
  );
  expect(list()).toHaveLength(2);
});
