import { describe, expect, it, vi } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { formatLink } from './link';
import { openApp } from './open-app.testing';
import { addressOf } from './run-place';

function open(hash = '#/distil', options = {}) {
  const app = openApp({ hash, ...options });
  return { ...app, draft: () => app.state().draft, address: () => formatLink(addressOf(app.state())) };
}

const small = parseRunConfig({ optimiser: { steps: 12 } });

describe('the settings of Distil', () => {
  it('are taken back and made again step by step, with the preset that they change', () => {
    const { actions, draft, state, address } = open();
    const initial = draft();
    for (const steps of [5, 50, 500]) actions.setField('optimiser.steps', steps);
    actions.choosePreset('codi-128');
    actions.setField('seed', 9);
    expect(state().draftHistory.past).toHaveLength(3);
    expect(address()).toBe('#/distil?preset=codi-128&set=seed=9');
    expect(actions.undoDraft()).toBe(true);
    expect(actions.undoDraft()).toBe(true);
    // Typing in one field is one step, and the preset is no longer named.
    expect(draft()).toEqual({ ...initial, optimiser: { ...initial.optimiser, steps: 500 } });
    expect(address()).toBe('#/distil?set=optimiser.steps=500');
    actions.undoDraft();
    expect(draft()).toEqual(initial);
    expect(actions.undoDraft()).toBe(false);
    for (let i = 0; i < 3; i++) expect(actions.redoDraft()).toBe(true);
    expect(address()).toBe('#/distil?preset=codi-128&set=seed=9');
    expect(actions.redoDraft()).toBe(false);
  });

  it('that are half typed, or out of range, stay out of the address', () => {
    const { actions, address } = open();
    actions.setField('seed', 9);
    for (const steps of [Number.NaN, -1, 2.5]) {
      actions.setField('optimiser.steps', steps);
      expect(address()).toBe('#/distil?set=seed=9');
    }
    actions.setField('optimiser.steps', 50);
    expect(address()).toBe('#/distil?set=seed=9;optimiser.steps=50');
  });

  it('that are chosen, not typed, are each a step, and the same again is none', () => {
    const { actions, state } = open();
    for (const targets of [['q'], ['q', 'v'], ['q', 'v']]) actions.setField('lora.targets', targets);
    actions.chooseRole('data', 'opened');
    actions.chooseRole('data', 'bundled');
    expect(state().draftHistory.past).toHaveLength(4);
  });

  it('of a file, of a link and of a kept run are one step each', async () => {
    const { actions, draft, state } = open();
    const initial = draft();
    await actions.startRun(small);
    const id = state().run.id as string;
    actions.readRunFile(JSON.stringify({ ...small, seed: 4 }));
    expect(draft().seed).toBe(4);
    actions.followLink('#/distil?preset=codi-128&set=seed=5;optimiser.steps=7');
    expect(draft()).toMatchObject({ seed: 5, optimiser: { steps: 7 } });
    actions.showRun(id);
    expect(draft()).toEqual(small);
    expect(state().draftHistory.past).toHaveLength(3);
    await actions.startRun({ ...small, seed: 8 });
    // It shows the run, and then puts other settings in its form.
    actions.followLink(`#/distil?preset=codi-128&set=seed=6&kept=${id}`);
    expect(draft().seed).toBe(6);
    expect(state().draftHistory.past).toHaveLength(4);
    actions.undoDraft();
    expect(draft()).toEqual(small);
    // A link to a place without these settings is no step.
    actions.followLink('#/generate');
    expect(state().draftHistory).toMatchObject({ past: { length: 3 }, future: { length: 1 } });
    for (let i = 0; i < 3; i++) actions.undoDraft();
    expect(draft()).toEqual(initial);
  });

  it('are left as they are while a run is in progress, which keeps its own', async () => {
    const { actions, draft, state } = open('#/distil', { pace: 3 });
    actions.setField('optimiser.steps', 12);
    const running = actions.startRun();
    await vi.waitFor(() => expect(state().run.task.status).toBe('running'));
    const config = state().run.config;
    expect(actions.undoDraft()).toBe(false);
    expect([draft().optimiser.steps, state().run.config]).toEqual([12, config]);
    expect(await running).toBe(true);
    expect(actions.undoDraft()).toBe(true);
    expect(state().run.config).toEqual(config);
  });

  it('do not come back with a model that was closed', async () => {
    const { actions, draft, state } = open();
    await actions.openCheckpoint([{ name: 'config.json', data: new Blob(['{}']) }]);
    actions.chooseRole('student', 'opened');
    actions.setField('seed', 3);
    await actions.closeCheckpoint();
    expect(draft().roles.student).toBe('bundled');
    // Choosing it has become no change.
    expect(state().draftHistory.past).toHaveLength(1);
    actions.undoDraft();
    expect(draft()).toMatchObject({ seed: 1, roles: { student: 'bundled', teacher: 'bundled' } });
  });
});
