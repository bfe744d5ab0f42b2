import { expect, it } from 'vitest';
import { openApp } from './open-app.testing';
import { idle } from './task';

const rows = Array.from({ length: 30 }, (_, i) => ({
  question: `Question ${i}?`,
  steps: ['1+1=2'],
  answer: `${i}`,
}));
const FILE = { name: 'rows.json', data: new Blob([JSON.stringify(rows)]) };

it('a run on own rows is estimated once its models are there, and not refused for want of them before', async () => {
  const { actions, store, state, doubles } = openApp();
  await actions.openData([FILE]);
  actions.chooseRole('data', 'opened');
  await actions.openDevice('wasm');
  await actions.loadPair();
  const { pair } = state();
  store.setState({ pair: idle });
  await actions.estimateRun();
  expect(state().cost.status).toBe('idle');
  expect(doubles[0]?.calls).not.toContain('runCost');
  store.setState({ pair });
  await actions.estimateRun();
  expect(state().cost.status).toBe('done');
});
