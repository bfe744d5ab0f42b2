import { describe, expect, it } from 'vitest';
import { engineError } from '../workbench.testing';
import { openApp } from './open-app.testing';
import { hashOf } from './run-place';

function open(hash: string) {
  const app = openApp({ hash });
  return { ...app, address: () => hashOf(app.state()), calls: () => app.doubles[0]?.calls ?? [] };
}

describe('provider and storage in a link', () => {
  it('are those that are chosen here, unless they are the usual ones', async () => {
    const { actions, address } = open('#/model');
    await actions.openDevice();
    expect(address()).toBe('#/model');
    await actions.switchProvider('wasm');
    expect(address()).toBe('#/model?provider=wasm');
    await actions.openCheckpoint([{ name: 'config.json', data: new Blob() }]);
    await actions.storeWeights('int8');
    expect(address()).toBe('#/model?provider=wasm&storage=int8');
    actions.goTo('arena');
    expect(address()).toBe('#/arena');
  });

  it('change nothing by themselves: they are asked about until they are answered', async () => {
    const hash = '#/model?provider=wasm&storage=int4';
    const { actions, state, address, calls } = open(hash);
    await actions.start(true);
    expect(calls()).toContain('open auto');
    expect(state().wanted).toEqual({ provider: 'wasm', storage: 'int4' });
    expect(address()).toBe(hash);
    await actions.switchProvider('wasm');
    expect(state().wanted.provider).toBeNull();
    await actions.openCheckpoint([{ name: 'config.json', data: new Blob() }]);
    expect(calls().some((call) => call.startsWith('storeWeights'))).toBe(false);
    expect(await actions.storeWeights('int4')).toBe(true);
    expect(state().wanted.storage).toBeNull();
    expect(address()).toBe(hash);
  });

  it('can be declined', () => {
    const { actions, address } = open('#/model?provider=webgpu&storage=half');
    actions.declineDevice('provider');
    expect(address()).toBe('#/model?storage=half');
    actions.declineDevice('storage');
    expect(address()).toBe('#/model');
    actions.followLink('#/model?provider=wasm');
    expect(address()).toBe('#/model?provider=wasm');
  });

  it('are undone and redone, which opens the device and reads the model as any change does', async () => {
    const { actions, state, address, calls } = open('#/model');
    await actions.openDevice();
    await actions.switchProvider('wasm');
    expect(await actions.undoProvider()).toBe(true);
    expect([
      address(),
      calls()
        .filter((call) => call.startsWith('open '))
        .at(-1),
    ]).toEqual(['#/model', 'open auto']);
    expect(await actions.undoProvider()).toBe(false);
    expect(await actions.redoProvider()).toBe(true);
    expect(address()).toBe('#/model?provider=wasm');
    await actions.openCheckpoint([{ name: 'config.json', data: new Blob() }]);
    await actions.storeWeights('half');
    await actions.storeWeights('int8');
    expect(await actions.undoStorage()).toBe(true);
    expect(state().lens.opened.value?.storage).toBe('half');
    expect(await actions.redoStorage()).toBe(true);
    expect(state().lens.opened.value?.storage).toBe('int8');
    // Another model has been stored in no other way.
    await actions.openCheckpoint([{ name: 'config.json', data: new Blob() }]);
    expect(await actions.undoStorage()).toBe(false);
  });

  it('keep their history where a provider is not to be had', async () => {
    const { actions, state, doubles } = open('#/model');
    await actions.openDevice();
    await actions.switchProvider('wasm');
    doubles[0]!.open = () => Promise.reject(engineError('device', 'no WebGPU adapter'));
    expect(await actions.undoProvider()).toBe(false);
    expect([state().settings.provider, state().providers.past]).toEqual(['wasm', ['auto']]);
  });

  it('are named where they cannot be, and the rest is followed', () => {
    const { state } = open('#/model?provider=cuda&storage=int4');
    expect(state().linkProblems).toEqual(['unknown provider "cuda": expected auto, webgpu, wasm']);
    expect(state().wanted).toEqual({ provider: null, storage: 'int4' });
  });
});
