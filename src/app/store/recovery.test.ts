import { describe, expect, it, vi } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { memoryStore } from '../../storage/store';
import { memoryStudents } from '../../storage/students.testing';
import { type DoubleOptions, double } from '../workbench.testing';
import { createApp } from './app-store';
import { AGAIN_WITHIN, type Loss, recoveryOf, recoverySentence } from './recovery';

const config = parseRunConfig({ optimiser: { steps: 40 }, keeping: { every: 10 } });

function open(options: DoubleOptions, resumeAfter = 0) {
  const engine = double({ pace: 0, webgpu: true, ...options });
  const app = createApp({
    connect: () => engine,
    storage: Promise.resolve({ ...memoryStore('test'), unavailable: null }),
    students: memoryStudents(),
    hash: '#/distil',
    pairUrl: '/models/',
    resumeAfter,
  });
  const state = () => app.store.getState();
  const resumed = () => engine.calls.filter((call) => call.startsWith('resume'));
  return { ...app, engine, state, resumed, notices: () => state().notices.map(({ text }) => text) };
}

describe('a run whose GPU is lost', () => {
  it('resumes by itself from its checkpoint on a new device, and says what was lost', async () => {
    const { actions, state, engine, resumed, notices } = open({ lostAt: [27] });
    expect(await actions.startRun(config)).toBe(true);
    expect(resumed()).toEqual(['resume from step 20']);
    expect(engine.calls.filter((call) => call.startsWith('open '))).toHaveLength(2);
    const { run, saved, recovery, device } = state();
    expect(run.series.step).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(run.result).toMatchObject({ status: 'done', steps: 40 });
    expect(saved).toHaveLength(1);
    expect(recovery).toBeNull();
    expect(device.status).toBe('done');
    expect(notices()).toEqual([
      'The GPU was lost after step 27; the run’s checkpoint is of step 20, so that 7 steps are lost. It resumes from there on a new device.',
    ]);
  });

  it('is only offered after a second loss within a minute, with the reason', async () => {
    const { actions, state, resumed, notices } = open({ lostAt: [17, 38] });
    expect(await actions.startRun(config)).toBe(false);
    expect(resumed()).toEqual(['resume from step 10']);
    expect(state().run.task).toMatchObject({ status: 'failed', error: { code: 'lost' } });
    expect(state().recovery).toMatchObject({ lostAt: 38, from: 30, refused: expect.any(String) });
    expect(notices().at(-1)).toBe(
      'The GPU was lost after step 38; the run’s checkpoint is of step 30, so that 8 steps are lost. It does not resume by itself: the GPU was lost a second time within 60 s.',
    );
    // By a press it goes on.
    expect(await actions.resumeRun(state().run.id as string)).toBe(true);
    expect(state()).toMatchObject({ recovery: null, run: { result: { status: 'done' } } });
  });

  it('can be prevented from resuming, and resumed at once', async () => {
    const { actions, state, resumed } = open({ lostAt: [27] }, 60_000);
    const running = actions.startRun(config);
    await vi.waitFor(() => expect(state().recovery).toMatchObject({ refused: null, from: 20 }));
    actions.cancelRecovery();
    expect(await running).toBe(false);
    expect(resumed()).toEqual([]);
    expect(state().recovery).toMatchObject({ refused: 'you prevented it' });
    expect(state().kept.get(state().run.id as string)).toMatchObject({ step: 20, status: 'training' });

    const hasty = open({ lostAt: [27] }, 60_000);
    const waiting = hasty.actions.startRun(config);
    await vi.waitFor(() => expect(hasty.state().recovery).not.toBeNull());
    hasty.actions.recoverNow();
    expect(await waiting).toBe(true);
    expect(hasty.resumed()).toEqual(['resume from step 20']);
  });

  it('stays as it is while no GPU comes back, while another run was started, or while nothing is kept', async () => {
    const { actions, engine, state, resumed } = open({ lostAt: [27] }, 500);
    const running = actions.startRun(config);
    await vi.waitFor(() => expect(state().recovery).not.toBeNull());
    const { open: opens } = engine;
    engine.open = (_, options) => opens('wasm', options);
    expect(await running).toBe(false);
    expect(resumed()).toEqual([]);
    expect(state().recovery?.refused).toBe('the browser offers no GPU now, only WASM');

    const other = open({ lostAt: [27] }, 500);
    const first = other.actions.startRun(config);
    await vi.waitFor(() => expect(other.state().recovery).not.toBeNull());
    expect(await other.actions.startRun(config)).toBe(true);
    expect(await first).toBe(false);
    expect(other.resumed()).toEqual([]);

    const early = open({ lostAt: [27] });
    early.engine.distil = () => Promise.reject(Object.assign(new Error('lost'), { code: 'lost', hint: '' }));
    expect(await early.actions.startRun(config)).toBe(false);
    expect(early.state().recovery).toBeNull();
  });
});

describe('whether it resumes by itself', () => {
  const kept = { run: 'a', step: 10, steps: 40, status: 'training', bytes: 1 } as const;
  const loss = (step: number, at: number, run = 'a'): Loss => ({ run, step, at });
  const training = { status: 'running', isStopping: false } as const;
  const why = (...args: Parameters<typeof recoveryOf>) => recoveryOf(...args)?.refused;

  it('depends on the loss before', () => {
    expect(why(loss(12, 0), null, training, kept)).toBeNull();
    expect(why(loss(30, AGAIN_WITHIN - 1), loss(12, 0), training, kept)).toMatch(/a second time within 60 s/);
    expect(why(loss(30, AGAIN_WITHIN), loss(12, 0), training, kept)).toBeNull();
    // However late, the same step again would be lost again.
    expect(why(loss(12, 1e9), loss(12, 0), training, kept)).toMatch(/no further than step 12/);
    expect(why(loss(11, 1e9), loss(12, 0), training, kept)).toMatch(/no further than step 12/);
    expect(why(loss(12, 1e9), loss(12, 0, 'other'), training, kept)).toBeNull();
  });

  it('depends on what the person had asked for', () => {
    for (const status of ['paused', 'pausing', 'cancelling'] as const)
      expect(why(loss(12, 0), null, { status, isStopping: false }, kept), status).toMatch(/^it was/);
    expect(why(loss(12, 0), null, { status: 'running', isStopping: true }, kept)).toBe(
      'it was being stopped',
    );
  });

  it('is no question without a checkpoint to resume from', () => {
    expect(recoveryOf(loss(12, 0), null, training, undefined)).toBeNull();
    expect(recoveryOf(loss(40, 0), null, training, { ...kept, status: 'done' })).toBeNull();
  });

  it('is said with the steps that are lost', () => {
    const said = (lostAt: number) => recoverySentence({ run: 'a', lostAt, from: 10, refused: null });
    expect(said(10)).toContain('so that no step is lost.');
    expect(said(11)).toContain('so that 1 step is lost.');
  });
});
