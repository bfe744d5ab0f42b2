import { describe, expect, it, vi } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { type DoubleOptions, engineError } from '../workbench.testing';
import { formatLink } from './link';
import { openApp } from './open-app.testing';

function open(options: DoubleOptions & { hash?: string } = {}) {
  const app = openApp(options);
  return { ...app, lens: () => app.state().lens };
}

const file = (name: string) => ({ name, data: new Blob(['x']) });

describe('the lens', () => {
  it('runs the form’s request, loading the pair first', async () => {
    const { actions, lens, doubles } = open();
    expect(await actions.runLens({ samples: 3, controls: ['shuffled'] })).toBe(true);
    expect(lens().report.value).toMatchObject({
      sampleIds: ['train-0', 'train-1', 'train-2'],
      controls: [{ control: 'shuffled' }],
    });
    expect(doubles[0]!.calls.map((call) => call.split(' ')[0])).toEqual(['open', 'loadPair', 'lens']);
  });

  it('asks for the cost of the request, and loads nothing for that', async () => {
    const failures = { lensCost: engineError('memory', '4 GB are needed', 'Choose 3 samples or fewer.') };
    const { actions, lens, doubles } = open();
    await actions.askLensCost();
    expect(lens().cost).toMatchObject({ status: 'idle', value: null });
    expect(doubles.flatMap(({ calls }) => calls)).toEqual([]);
    await actions.runLens();
    actions.changeLens({ controls: ['shuffled'] });
    await actions.askLensCost();
    expect(lens().cost).toMatchObject({ status: 'done', value: { matrices: 32 } });
    // An invalid form has no cost to report.
    actions.changeLens({ samples: 0 });
    await actions.askLensCost();
    expect(lens().cost.status).toBe('idle');
    const large = open({ failures });
    await large.actions.runLens();
    await large.actions.askLensCost();
    expect(large.lens().cost).toMatchObject({
      status: 'failed',
      error: { code: 'memory', hint: 'Choose 3 samples or fewer.' },
    });
  });

  it('can be cancelled while the pair is loading, and while it decomposes', async () => {
    const { actions, lens, state } = open({ pace: 3 });
    const waiting = actions.runLens();
    actions.cancelLens();
    expect(await waiting).toBe(false);
    expect(lens().report).toMatchObject({ status: 'idle', value: null });
    // The pair keeps loading: that is a separate task.
    await vi.waitFor(() => expect(state().pair.status).toBe('done'));
    const running = actions.runLens();
    await vi.waitFor(() =>
      expect(lens().report).toMatchObject({ status: 'running', progress: { phase: 'states' } }),
    );
    actions.cancelLens();
    expect(await running).toBe(false);
    expect(lens().report.status).toBe('idle');
  });

  it('writes the hidden states that the form selects to a file, once the pair is there', async () => {
    const { actions, lens, doubles } = open();
    actions.changeLens({ layers: '2', samples: 3, span: '2-' });
    const file = await actions.exportStates('npy');
    expect(file).toMatchObject({ name: 'made-up-teacher.npy', layers: [2] });
    expect(lens().file).toMatchObject({ status: 'done', value: { name: 'made-up-teacher.npy', bytes: 64 } });
    const call = doubles[0]!.calls.find((one) => one.startsWith('exportStates'));
    expect(JSON.parse(call?.slice('exportStates '.length) ?? '')).toEqual({
      source: { kind: 'problems', seed: 1, samples: 3 },
      subject: { kind: 'teacher' },
      sections: ['rationale'],
      layers: [2],
      span: { first: 2, last: null },
      format: 'npy',
    });
    // Layers of the file's own, and all of them.
    expect(await actions.exportStates('npy', [0, 2])).toMatchObject({ layers: [0, 2] });
    expect(await actions.exportStates('npy', null)).toMatchObject({ layers: [1, 2] });
    doubles[0]!.exportStates = () => Promise.reject(engineError('memory', '9 GB do not fit', 'Take fewer.'));
    expect(await actions.exportStates('safetensors')).toBeNull();
    expect(lens().file).toMatchObject({ status: 'failed', error: { hint: 'Take fewer.' } });
    actions.changeLens({ layers: '9' });
    expect(await actions.exportStates('npy')).toBeNull();
  });

  it('keeps the last report when the next one fails, the GPU is lost or the engine dies', async () => {
    const { actions, lens, state, doubles } = open();
    await actions.runLens({ samples: 2 });
    const shown = lens().report.value;
    doubles[0]!.lens = () => Promise.reject(engineError('memory', '9 GB do not fit', 'Take 4 samples.'));
    expect(await actions.runLens({ samples: 100 })).toBe(false);
    expect(lens().report).toMatchObject({ status: 'failed', error: { hint: 'Take 4 samples.' } });
    doubles[0]!.lens = () => Promise.reject(engineError('lost', 'the GPU device was lost'));
    expect(await actions.runLens()).toBe(false);
    expect(state().device.status).toBe('failed');
    doubles[0]!.die();
    expect(lens().report.value).toBe(shown);
    expect(await actions.restart()).toBe(true);
    expect(lens().report.value).toBe(shown);
    expect(await actions.runLens({ samples: 2 })).toBe(true);
  });

  it('does not send an invalid request', async () => {
    const { actions, lens, doubles } = open();
    expect(await actions.runLens({ layers: '7' })).toBe(false);
    expect(lens().report.status).toBe('idle');
    expect(doubles[0]!.calls.filter((call) => call.startsWith('lens'))).toEqual([]);
    actions.undoLens();
    expect(await actions.runLens()).toBe(true);
  });

  it('is written to the address and restored from it', async () => {
    const { actions, state, lens } = open({
      hash: '#/lowrank?view=angles&overlay=base&layers=2-4&samples=3',
    });
    await actions.start(true);
    expect(lens()).toMatchObject({ view: 'angles', draft: { overlay: 'base', samples: 3, layers: '2-4' } });
    actions.changeLens({ stack: 'layer' });
    actions.showView('ranks');
    expect(formatLink(state().link)).toBe(
      '#/lowrank?view=ranks&samples=3&overlay=base&layers=2-4&stack=layer',
    );
    actions.followLink('#/lowrank?subject=base');
    expect(lens()).toMatchObject({ view: 'spectra', draft: { subject: 'base', overlay: null, samples: 16 } });
    actions.followLink('#/distil');
    expect(lens().draft.subject).toBe('base');
  });

  it('compares with a checkpoint during a run', async () => {
    const { actions, lens, state } = open({ pace: 1 });
    await actions.loadPair();
    const running = actions.startRun(
      parseRunConfig({ optimiser: { steps: 100_000 }, observation: { every: 4 } }),
    );
    await vi.waitFor(() => expect(lens().checkpoints.length).toBeGreaterThan(1));
    expect(state().run.task.status).toBe('running');
    expect(await actions.runLens({ samples: 2, overlay: 'student-1' })).toBe(true);
    expect(lens().report.value?.selections[1]?.label).toBe('student, step 4');
    await actions.control('stop');
    expect(await running).toBe(true);
  });
});

describe('a checkpoint from files', () => {
  it('can be examined without the pair when the pair is unavailable', async () => {
    const { actions, lens, doubles } = open({ failures: { loadPair: engineError('file', 'no such file') } });
    expect(await actions.loadPair()).toBe(false);
    expect(await actions.openCheckpoint([file('config.json')])).toBe(true);
    expect(await actions.runLens({ source: 'texts', texts: 'Once upon a time' })).toBe(true);
    expect(lens().report.value?.sampleIds).toEqual(['text-1']);
    expect(doubles[0]!.calls.filter((call) => call.startsWith('loadPair'))).toHaveLength(1);
    expect(await actions.runLens({ overlay: 'base' })).toBe(false);
  });

  it('becomes the subject; an invalid one leaves the previous subject', async () => {
    const { actions, lens, store } = open();
    expect(await actions.openCheckpoint([file('config.json'), file('model.safetensors')])).toBe(true);
    expect(lens()).toMatchObject({ opened: { value: { name: 'stories' } }, draft: { subject: 'opened' } });
    expect(store.getState().generation.draft.subject).toBe('opened');
    expect(await actions.openCheckpoint([file('model.safetensors')])).toBe(false);
    expect(lens().opened).toMatchObject({
      status: 'failed',
      value: { name: 'stories' },
      error: { message: 'config.json is missing' },
    });
  });

  it('can be cancelled, and is gone when the engine dies', async () => {
    const { actions, lens, doubles } = open({ pace: 2 });
    await actions.loadPair();
    const opening = actions.openCheckpoint([file('config.json')]);
    await vi.waitFor(() => expect(lens().opened).toMatchObject({ progress: { unit: 'bytes' } }));
    actions.cancelOpening();
    expect(await opening).toBe(false);
    expect(lens().opened.status).toBe('idle');
    await actions.openCheckpoint([file('config.json')]);
    doubles[0]!.die();
    expect(lens().opened).toMatchObject({ status: 'idle', value: null });
  });
});

describe('the causal test', () => {
  it('shows points as they arrive and adds single ones later', async () => {
    const { actions, lens, store } = open();
    const seen: number[] = [];
    store.subscribe((state) => seen.push(state.lens.points.length));
    actions.changeForm('causal', { ranks: '2 8', problems: 10 });
    expect(await actions.runCausal()).toBe(true);
    expect([...new Set(seen)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(lens().points).toEqual([]);
    expect(await actions.runCausal([4])).toBe(true);
    expect(lens().causal.value?.points.map(({ rank, directions }) => `${directions} ${rank}`)).toEqual([
      'leading 2',
      'random 2',
      'equal-energy 2',
      'leading 4',
      'random 4',
      'equal-energy 4',
      'leading 8',
      'random 8',
      'equal-energy 8',
    ]);
  });

  it('measures a single rank of the displayed test even if the form has changed', async () => {
    const { actions, lens } = open();
    actions.changeForm('causal', { ranks: '2 8', problems: 10 });
    await actions.runCausal();
    actions.changeForm('causal', { problems: 11, ranks: 'x' });
    expect(await actions.runCausal([4])).toBe(true);
    expect(lens().causal.value).toMatchObject({ request: { problems: 10, ranks: [2, 4, 8] } });
    actions.changeForm('causal', { ranks: '4' });
    expect(await actions.runCausal()).toBe(true);
    expect(lens().causal.value).toMatchObject({ request: { problems: 11, ranks: [4] } });
    expect(lens().causal.value?.points).toHaveLength(3);
  });

  it('does not mix points of two students in one chart', async () => {
    const { actions, lens } = open();
    await actions.loadPair();
    const train = () => actions.startRun(parseRunConfig({ optimiser: { steps: 2 } }));
    await train();
    actions.changeForm('causal', { subject: 'student', ranks: '2 8' });
    await actions.runCausal();
    await actions.runLens({ samples: 2, subject: 'student' });
    expect(lens().outlived).toEqual({ report: false, causal: false });
    await train();
    expect(lens().outlived).toEqual({ report: true, causal: true });
    actions.changeForm('causal', { ranks: '4' });
    await actions.runCausal();
    expect(lens().causal.value?.request.ranks).toEqual([4]);
    expect(lens().outlived).toEqual({ report: true, causal: false });
    await actions.runLens();
    expect(lens().outlived.report).toBe(false);
  });

  it('restores the previous test when cancelled', async () => {
    const { actions, lens, store } = open();
    actions.changeForm('causal', { ranks: '2 8', problems: 10 });
    await actions.runCausal();
    const before = lens().causal.value;
    store.subscribe((state) => state.lens.points.length > 1 && actions.cancelCausal());
    actions.changeForm('causal', { ranks: '', problems: 200 });
    expect(await actions.runCausal()).toBe(false);
    expect(lens()).toMatchObject({ causal: { status: 'done', value: before }, points: [] });
    // Points of the same test are kept.
    actions.changeForm('causal', { ranks: '1 3 4 5', problems: 10 });
    expect(await actions.runCausal()).toBe(false);
    expect(lens().causal.value?.request.ranks).toEqual([1, 2, 8]);
    expect(lens().points).toEqual([]);
  });

  it('keeps its points visible when cancelled', async () => {
    const { actions, lens, store } = open();
    await actions.loadPair();
    store.subscribe((state) => state.lens.points.length > 1 && actions.cancelCausal());
    const running = actions.runCausal();
    expect(await running).toBe(false);
    expect(lens().causal.status).toBe('idle');
    expect(lens().points.length).toBeGreaterThan(1);
  });
});
