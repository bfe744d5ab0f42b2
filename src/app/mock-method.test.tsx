import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { mock, WITH_MOCK } from '../contract/methods/mock.testing';
import { memoryStore } from '../storage/store';
import { ConfigForm } from './panels/distil/ConfigForm';
import { lossLines } from './panels/distil/loss-lines';
import { MethodCard } from './panels/distil/paths/MethodCard';
import { runRows } from './panels/distil/run-rows';
import { createApp } from './store/app-store';
import { formatRunFile } from './store/run-file';
import { AppProvider } from './store/use-app';
import { double } from './workbench.testing';

/** A method that is in the list of methods is in the page, with nothing else changed. */

const open = () =>
  createApp({
    connect: () => double({ methods: WITH_MOCK }),
    storage: Promise.resolve(memoryStore('test')),
    hash: '#/distil?preset=mock-7',
    pairUrl: 'models',
    methods: WITH_MOCK,
  });

it('has a form with its settings and no others, its preset, its loss and its terms', () => {
  const app = open();
  const state = app.store.getState();
  expect(state.linkProblems).toEqual([]);
  expect(state.draft).toMatchObject({ method: 'mock', data: { samples: 7 }, mock: { strength: 4.25 } });
  expect(state.presets.at(-1)).toMatchObject({ label: 'Mock preset · 7 samples' });
  const html = renderToStaticMarkup(
    <AppProvider value={app}>
      <ConfigForm isDisabled={false} />
      <MethodCard isDisabled={false} />
    </AppProvider>,
  );
  for (const text of [
    'Mock settings',
    'Mock weights',
    'Mock strength',
    'How strong the mock is. Range: 2 to 9 mocks. Default: 3.5.',
    'mocks',
    'Mock method: paths and loss',
    'Mocked path: base model with LoRA; question, then mocked latents (by mocking), then “The answer is:”, then answer.',
    'On the answer of the mocked path.',
    'Weight of mocked answer',
  ])
    expect(html).toContain(text);
  expect(html).toContain('mocked answer');
  expect(html).not.toContain('Teacher subspaces');
});

it('refuses what its schema refuses', () => {
  const { store, actions } = open();
  actions.setField('mock.strength', 1);
  expect(() => actions.readRunFile('{"method":"mock","mock":{"strength":1}}')).toThrow('mock.strength: ');
  expect(store.getState().draft).toMatchObject({ mock: { strength: 1 } });
});

it('trains, draws its terms under their names, keeps them and writes them to files', async () => {
  const app = open();
  const { store, actions } = app;
  actions.setField('optimiser.steps', 3);
  expect(await actions.startRun()).toBe(true);
  const { run } = store.getState();
  expect(Object.keys(run.series.losses)).toEqual(['total', 'answer']);
  expect(lossLines(run.series, 'mock', WITH_MOCK).map(({ name, y }) => [name, y.length])).toEqual([
    ['total', 3],
    ['mocked answer', 3],
  ]);
  expect(runRows(run, WITH_MOCK)[0]).toContain('loss answer');
  const text = formatRunFile(run);
  expect(JSON.parse(text)).toMatchObject({
    config: { method: 'mock', mock: { strength: 4.25 } },
    observed: { steps: [1, 2, 3] },
  });
  actions.setField('mock.strength', 8);
  actions.readRunFile(text);
  expect(store.getState().draft).toEqual(run.config);
  expect(store.getState().saved[0]?.config.method).toBe(mock.id);
});
