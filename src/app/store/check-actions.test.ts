import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../storage/store';
import { type DoubleOptions, double, engineError } from '../workbench.testing';
import { createApp } from './app-store';

function open(options: DoubleOptions = {}) {
  const engine = double({ pace: 0, ...options });
  const app = createApp({
    connect: () => engine,
    storage: Promise.resolve(memoryStore('test')),
    hash: '',
    pairUrl: '/models/',
  });
  return { ...app, engine, check: () => app.store.getState().check };
}

describe('checking the device', () => {
  it('opens the device first and stores the report together with the device it describes', async () => {
    const { actions, engine, check, store } = open();
    expect(check()).toMatchObject({ task: { status: 'idle', value: null }, of: null });
    const heard: string[] = [];
    store.subscribe(({ check: { task } }) => {
      if (task.progress) heard.push(`${task.progress.done} ${task.progress.unit}`);
    });
    expect(await actions.runCheck()).toBe(true);
    expect(engine.calls.map((call) => call.split(' ')[0])).toEqual(['open', 'checkDevice']);
    expect(check().task.value?.checks).toHaveLength(3);
    expect(check().of).toBe(store.getState().device.value);
    expect(heard.at(-1)).toBe('8 kernels');
    // With another provider the report stays, marked as belonging to the previous one.
    await actions.openDevice('webgpu');
    expect(check().task.status).toBe('done');
    expect(check().of).not.toBe(store.getState().device.value);
  });

  it('runs one check at a time and restores the earlier report when cancelled', async () => {
    const { actions, engine, check } = open({ pace: 5 });
    const first = actions.runCheck();
    expect(await actions.runCheck()).toBe(false);
    actions.cancelCheck();
    expect(await first).toBe(false);
    expect(check().task).toMatchObject({ status: 'idle', value: null });
    expect(await actions.runCheck()).toBe(true);
    const again = actions.runCheck();
    await new Promise((resolve) => setTimeout(resolve, 15));
    actions.cancelCheck();
    expect(await again).toBe(false);
    expect(check().task.status).toBe('done');
    expect(engine.calls.filter((call) => call.startsWith('checkDevice'))).toHaveLength(2);
  });

  it('says why the check failed, and shows a lost device as lost', async () => {
    const lost = engineError('lost', 'the GPU device was lost: test', 'Open it again.');
    const { actions, check, store } = open({ failures: { checkDevice: lost } });
    expect(await actions.runCheck()).toBe(false);
    const { task } = check();
    expect(task.status === 'failed' && task.error.message).toBe('the GPU device was lost: test');
    expect(store.getState().device.status).toBe('failed');
    const none = open({ failures: { open: engineError('device', 'no device') } });
    expect(await none.actions.runCheck()).toBe(false);
    expect(none.check().task.status).toBe('idle');
  });
});
