import { expect, it } from 'vitest';
import { type DoubleOptions, engineError } from '../workbench.testing';
import { openApp } from './open-app.testing';

async function open(options: DoubleOptions = {}) {
  const app = openApp(options);
  const opening = () => app.actions.openCheckpoint([{ name: 'config.json', data: new Blob(['{}']) }]);
  return { ...app, opening, lens: () => app.state().lens };
}

it('changes how the opened model is stored, and marks earlier reports on it as outlived', async () => {
  const { actions, opening, lens, doubles } = await open();
  expect(await actions.storeWeights('int8')).toBe(false);
  await opening();
  await actions.runLens({ source: 'texts', texts: 'Once upon a time' });
  expect(lens().outlived.report).toBe(false);
  expect(await actions.storeWeights('int8')).toBe(true);
  expect(lens().opened.value).toMatchObject({ name: 'stories', storage: 'int8' });
  expect(lens().outlived.report).toBe(true);
  // It is stored so already.
  expect(await actions.storeWeights('int8')).toBe(false);
  expect(doubles[0]!.calls.filter((call) => call.startsWith('storeWeights'))).toEqual(['storeWeights int8']);
});

it('measures the effect of fewer bits, until another model is opened', async () => {
  const { actions, opening, lens } = await open();
  await opening();
  expect(await actions.measureStorage()).toBe(true);
  expect(lens().storage.value?.reference?.tokens).toBe(32);
  await actions.storeWeights('int8');
  expect(lens().storage.value).not.toBeNull();
  await opening();
  expect(lens().storage).toMatchObject({ status: 'idle', value: null });
});

it('says why nothing was measured, and leaves the model as it was', async () => {
  const failure = engineError('memory', 'no room', 'Choose a smaller one.');
  const { actions, opening, lens } = await open({
    failures: { storageErrors: failure, storeWeights: failure },
  });
  await opening();
  expect(await actions.measureStorage()).toBe(false);
  expect(lens().storage).toMatchObject({ status: 'failed', error: { code: 'memory' } });
  expect(await actions.storeWeights('int8')).toBe(false);
  expect(lens().opened.value).toMatchObject({ storage: 'f32' });
});
