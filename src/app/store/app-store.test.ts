import { describe, expect, it, vi } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { PRESETS } from '../../contract/presets';
import { defaultSettings } from '../../storage/rows';
import { memoryStore, type Store } from '../../storage/store';
import { type Double, type DoubleOptions, double, engineError } from '../workbench.testing';
import { createApp } from './app-store';
import { inHand, unheardOf } from './in-hand';
import { latentsOf, shownSentence } from './latent-choice';
import { subjectsOf } from './lens-subjects';
import { formatLink } from './link';
import { madeThoughts } from './thoughts';

/** The page's state and actions, without a DOM, on a test double of the engine. */
function open(options: DoubleOptions & { hash?: string; storage?: Store; cancelLimit?: number } = {}) {
  const doubles: Double[] = [];
  const hiding: (() => void)[] = [];
  const app = createApp({
    connect: () => {
      const started = double({ pace: 0, ...(doubles.length === 0 ? options : {}) });
      doubles.push(started);
      return started;
    },
    storage: Promise.resolve(options.storage ?? memoryStore('test')),
    hash: options.hash ?? '',
    pairUrl: '/models/',
    ...(options.cancelLimit !== undefined && { cancelLimit: options.cancelLimit }),
    onHide: (listener) => {
      hiding.push(listener);
    },
  });
  const hide = () => {
    for (const listener of hiding) listener();
  };
  return { ...app, state: () => app.store.getState(), doubles, hide };
}

const small = parseRunConfig({ optimiser: { steps: 12 }, evaluation: { every: 4 } });

describe('loading', () => {
  it('opens the device and loads the pair once, however often that is requested', async () => {
    const { actions, state, doubles } = open();
    await Promise.all([actions.loadPair(), actions.loadPair(), actions.start(true)]);
    expect(doubles[0]?.calls).toEqual(['open auto', 'loadPair /models/']);
    expect(state().pair.status).toBe('done');
    expect(state().pair.value?.models).toHaveLength(2);
  });

  it('reports what failed, and can succeed on a second try', async () => {
    const { actions, state } = open({
      failures: { loadPair: engineError('file', 'model.safetensors ends at byte 12', 'Load again.') },
    });
    expect(await actions.loadPair()).toBe(false);
    expect(state().pair).toMatchObject({ status: 'failed', error: { code: 'file', hint: 'Load again.' } });
    expect(state().run.task.status).toBe('idle');
    expect(await actions.restart()).toBe(true);
    expect(state().pair.status).toBe('done');
  });

  it('can be cancelled', async () => {
    const { actions, state } = open({ pace: 5 });
    const loading = actions.loadPair();
    await vi.waitFor(() =>
      expect(state().pair).toMatchObject({ status: 'running', progress: { unit: 'bytes' } }),
    );
    actions.cancelPair();
    expect(await loading).toBe(false);
    expect(state().pair.status).toBe('idle');
  });

  it('keeps the open device when another provider is unavailable', async () => {
    const { actions, state, doubles } = open();
    await actions.loadPair();
    doubles[0]!.open = () =>
      Promise.reject(engineError('device', 'no WebGPU adapter', 'Update the browser.'));
    expect(await actions.switchProvider('webgpu')).toBe(false);
    expect(state().device.status).toBe('done');
    expect(state().pair.status).toBe('done');
    expect(state().settings.provider).toBe('auto');
    expect(
      state()
        .notices.map(({ text }) => text)
        .join(),
    ).toContain('no WebGPU adapter. Update the browser.');
  });
});

describe('a device that takes long to open', () => {
  /** Milliseconds that the test double takes. */
  const SLOW = 60;
  /** The result if it settles before any timer fires, however busy the machine is. */
  const atOnce = (work: Promise<unknown>) =>
    Promise.race([work, new Promise((resolve) => setTimeout(resolve, 0, 'not at once'))]);

  it('stops being awaited as soon as it is cancelled, and is closed if it opens anyway', async () => {
    const { actions, state, doubles } = open({ pace: SLOW });
    const opening = actions.openDevice();
    expect(state().device.status).toBe('running');
    actions.cancelDevice();
    expect(await atOnce(opening)).toBe(false);
    expect(state().device).toMatchObject({ status: 'idle', value: null });
    await vi.waitFor(() => expect(doubles[0]!.calls).toEqual(['open auto', 'closeDevice']));
    expect(state().device.status).toBe('idle');
    expect(await actions.openDevice()).toBe(true);
    expect(state().device.status).toBe('done');
  });

  it('does not hold up the cancellation of a guided run that waits for it', async () => {
    const { actions, state } = open({ pace: SLOW });
    const tour = actions.startTour();
    expect(inHand(state())).toMatchObject([{ id: 'tour' }]);
    actions.cancelTour();
    expect(await atOnce(tour)).not.toBe('not at once');
    expect(inHand(state())).toEqual([]);
  });

  it('does not disturb a device that was requested in the meantime', async () => {
    const { actions, state, doubles } = open({ pace: SLOW });
    const first = actions.openDevice();
    actions.cancelDevice();
    expect(await first).toBe(false);
    expect(await actions.openDevice('wasm')).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, SLOW));
    expect(doubles[0]!.calls).toEqual(['open auto', 'open wasm']);
    expect(state().device.status).toBe('done');
  });

  it('is shown if it had already replaced the previous one when the cancellation arrived', async () => {
    const { actions, state } = open({ webgpu: true });
    await actions.openDevice('wasm');
    expect(state().device.value?.provider).toBe('wasm');
    const opening = actions.openDevice('webgpu');
    actions.cancelDevice();
    expect(await opening).toBe(false);
    expect(state().device).toMatchObject({ status: 'done', value: { provider: 'wasm' } });
    await vi.waitFor(() => expect(state().device.value?.provider).toBe('webgpu'));
  });
});

describe('a run', () => {
  it('fills the curves, stores the run and hands over the student', async () => {
    const storage = memoryStore('test');
    const { actions, state } = open({ storage });
    expect(await actions.startRun(small)).toBe(true);
    const { run } = state();
    expect(run.task.status).toBe('done');
    expect(run.series.step).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(run.series.accuracy.map(({ step, set }) => [step, set])).toEqual([
      ...[4, 8, 12].map((step) => [step, 'validation']),
      [12, 'held-out'],
    ]);
    expect(Object.keys(run.series.losses)).toEqual(['total', 'covariance', 'mean', 'answer']);
    expect(state().studentConfig).toEqual(small);
    expect((await storage.listRuns()).runs).toMatchObject([{ id: run.id, result: { steps: 12 } }]);
  });

  it('pauses, resumes and stops', async () => {
    const { actions, state } = open({ pace: 1 });
    await actions.loadPair();
    const running = actions.startRun(parseRunConfig({ optimiser: { steps: 100_000 } }));
    await vi.waitFor(() => expect(state().run.series.step.length).toBeGreaterThan(0));
    const pausing = actions.control('pause');
    expect(state().run.task.status).toBe('pausing');
    await pausing;
    await vi.waitFor(() => expect(state().run.task.status).toBe('paused'));
    await actions.control('resume');
    await vi.waitFor(() => expect(state().run.task.status).toBe('running'));
    await actions.control('stop');
    expect(state().run.isStopping).toBe(true);
    expect(await running).toBe(true);
    expect(state().run).toMatchObject({
      task: { status: 'done' },
      isStopping: false,
      result: { status: 'stopped' },
    });
  });

  it('keeps its curves when it fails, and leaves the page usable', async () => {
    const { actions, state } = open({ nanAt: 7 });
    expect(await actions.startRun(small)).toBe(false);
    expect(state().run.task).toMatchObject({
      status: 'failed',
      error: { code: 'numeric', message: expect.stringContaining('step 7') },
    });
    expect(state().run.series.losses.total?.at(-1)).toBeNaN();
    expect(state().saved).toHaveLength(1);
    expect(await actions.runLens()).toBe(true);
  });

  it('keeps the earlier student when it diverges, unless the engine restored a copy from this run', async () => {
    const none = open({ nanAt: 9 });
    expect(await none.actions.startRun(parseRunConfig({ optimiser: { steps: 5 } }))).toBe(true);
    const before = none.state().student;
    expect(await none.actions.startRun(small)).toBe(false);
    expect(none.state().student).toBe(before);
    expect(none.state().studentConfig?.optimiser.steps).toBe(5);
    const copied = open({ nanAt: 9, copiedAt: 4 });
    expect(await copied.actions.startRun(small)).toBe(false);
    expect(copied.state().student).toMatchObject({ step: 4 });
    expect(copied.state().studentConfig).toEqual(small);
  });

  it('can be cancelled without an error', async () => {
    const { actions, state } = open({ pace: 1 });
    const running = actions.startRun(small);
    await vi.waitFor(() => expect(state().run.task.status).toBe('running'));
    actions.cancelRun();
    expect(await running).toBe(false);
    expect(state().run).toMatchObject({ task: { status: 'idle' }, result: null });
    expect(state().studentConfig).toBeNull();
  });

  it('leaves the pair and the student to another provider when the GPU is lost', async () => {
    const { actions, state, doubles } = open();
    await actions.startRun(small);
    const [double] = doubles;
    const distil = double!.distil;
    double!.distil = () => Promise.reject(engineError('lost', 'the GPU device was lost', 'Use WASM.'));
    expect(await actions.startRun(small)).toBe(false);
    expect(state()).toMatchObject({
      run: { task: { status: 'failed', error: { code: 'lost' } } },
      device: { status: 'failed' },
      pair: { status: 'idle', value: { models: [{}, {}] } },
      studentConfig: small,
    });
    expect(await actions.switchProvider('wasm')).toBe(true);
    expect(state()).toMatchObject({
      device: { status: 'done' },
      pair: { status: 'done' },
      latents: { student: 'trained' },
      studentConfig: small,
    });
    expect(double!.calls.filter((call) => call.startsWith('loadPair'))).toHaveLength(1);
    double!.distil = distil;
    expect(await actions.startRun(small)).toBe(true);
  });

  it.each(['too-large', 'memory', 'device'])(
    'that fails with “%s” leaves the device open: it is not lost',
    async (code) => {
      const { actions, state, doubles } = open();
      await actions.loadPair();
      doubles[0]!.distil = () => Promise.reject(engineError(code, 'buffer "q" does not fit', 'Lower it.'));
      expect(await actions.startRun(small)).toBe(false);
      expect(state()).toMatchObject({
        run: { task: { status: 'failed', error: { code } } },
        device: { status: 'done' },
        pair: { status: 'done' },
      });
      expect(doubles[0]!.calls.filter((call) => call.startsWith('open'))).toHaveLength(1);
    },
  );

  it('that fills WASM’s heap is reported until the engine is restarted', async () => {
    const { actions, state, doubles } = open();
    await actions.loadPair();
    const refused = engineError('memory', 'it needs about 5 GB', 'Take fewer.');
    const full = Object.assign(engineError('memory', 'std::bad_alloc', 'Take fewer.'), { name: 'HeapError' });
    doubles[0]!.distil = () => Promise.reject(refused);
    expect(await actions.startRun(small)).toBe(false);
    expect(state().isHeapFull).toBe(false);
    doubles[0]!.distil = () => Promise.reject(full);
    expect(await actions.startRun(small)).toBe(false);
    expect(state()).toMatchObject({ isHeapFull: true, dead: null, device: { status: 'done' } });
    expect(await actions.restart()).toBe(true);
    expect(state().isHeapFull).toBe(false);
    expect(doubles).toHaveLength(2);
  });

  it('is started once when requested twice while the device opens, and can be cancelled', async () => {
    const { actions, state, doubles } = open({ pace: 3 });
    const first = actions.startRun(small);
    expect(state().run.task.status).toBe('starting');
    expect(await actions.startRun(small)).toBe(false);
    actions.cancelRun();
    expect(state().run.task.status).toBe('idle');
    expect(await first).toBe(false);
    const again = actions.startRun(parseRunConfig({ optimiser: { steps: 100_000 } }));
    expect(await actions.startRun(small)).toBe(false);
    await vi.waitFor(() => expect(state().run.series.step.length).toBeGreaterThan(0));
    expect(doubles[0]!.calls.filter((call) => call.startsWith('distil'))).toHaveLength(1);
    actions.cancelRun();
    expect(await again).toBe(false);
    expect(state().run.task.status).toBe('idle');
  });

  it('counts as paused once the call returns, if the engine does not report pausing', async () => {
    const { actions, state } = open({ pace: 1, isMute: true });
    const running = actions.startRun(parseRunConfig({ optimiser: { steps: 100_000 } }));
    await vi.waitFor(() => expect(state().run.series.step.length).toBeGreaterThan(0));
    await actions.control('pause');
    expect(state().run.task.status).toBe('paused');
    await actions.control('resume');
    expect(state().run.task.status).toBe('running');
    actions.cancelRun();
    await running;
  });

  it('offers to restart an engine that does not respond to a cancellation, without losing stored runs', async () => {
    const { actions, state, doubles } = open({ pace: 1, isDeaf: true, cancelLimit: 20 });
    await actions.startRun(small);
    const { saved } = state();
    expect(saved).toHaveLength(1);
    const running = actions.startRun(parseRunConfig({ optimiser: { steps: 100_000 } }));
    await vi.waitFor(() => expect(state().run.series.step.length).toBeGreaterThan(12));
    actions.cancelRun();
    expect(unheardOf(state())).toEqual([]);
    await vi.waitFor(() => expect(unheardOf(state())).toMatchObject([{ id: 'run', isUnheard: true }]));
    expect(await actions.restart()).toBe(true);
    expect(await running).toBe(false);
    expect(doubles).toHaveLength(2);
    expect(state().run.task.status).toBe('idle');
    expect(state().saved.map(({ id }) => id)).toContain(saved[0]!.id);
    expect(await actions.startRun(small)).toBe(true);
  });

  it('is labelled by what distinguishes its configuration', async () => {
    const { actions, state } = open({ pace: 1 });
    await actions.startRun(small);
    const first = state().student;
    expect(first).toMatchObject({
      label: 'LoRi, statistics over results, 128 samples, seed 1, optimiser.steps 12',
      step: 12,
      differs: [['optimiser.steps', 12]],
    });
    const kept = () => subjectsOf(state()).find(({ id }) => id === 'student');
    expect(kept()?.label).toBe(`Student: ${first?.label}, step 12`);
    const other = parseRunConfig({
      optimiser: { steps: 100_000, learningRate: 0.004 },
      observation: { every: 4 },
    });
    const running = actions.startRun(other);
    await vi.waitFor(() => expect(state().lens.checkpoints.length).toBeGreaterThan(0));
    // The engine still holds the previous student.
    expect(kept()?.label).toBe(`Student: ${first?.label}, step 12 (of the previous run)`);
    expect(subjectsOf(state()).at(-1)?.label).toMatch(/^Checkpoint: LoRi, .*learningRate 0.004.*, step \d+$/);
    await actions.control('stop');
    await running;
    expect(state().student?.id).not.toBe(first?.id);
    expect(kept()?.label).toMatch(/learningRate 0.004, step \d+$/);
  });

  it('keeps its results when the engine dies, and the engine can be restarted', async () => {
    const { actions, state, doubles } = open({ pace: 2 });
    await actions.loadPair();
    const running = actions.startRun(parseRunConfig({ optimiser: { steps: 100_000 } }));
    await vi.waitFor(() => expect(state().run.series.step.length).toBeGreaterThan(0));
    doubles[0]?.die();
    expect(await running).toBe(false);
    expect(state()).toMatchObject({
      dead: { code: 'worker' },
      run: { task: { status: 'failed' } },
      pair: { status: 'idle' },
    });
    expect(state().run.series.step.length).toBeGreaterThan(0);
    expect(await actions.restart()).toBe(true);
    expect(state().dead).toBeNull();
    expect(doubles).toHaveLength(2);
  });

  it('warns about a run file made with different weights', async () => {
    const { actions, state } = open();
    await actions.loadPair();
    actions.readRunFile(
      JSON.stringify({
        kind: 'lori-run',
        config: { seed: 5 },
        models: { base: 'a'.repeat(64), teacher: 'other' },
      }),
    );
    expect(state().draft.seed).toBe(5);
    expect(state().notices.at(-1)?.text).toContain('other weights of teacher:');
    expect(() => actions.readRunFile('{"kind":"lori-run","config":{"seed":-1}}')).toThrow('config.seed');
    expect(state().draft.seed).toBe(5);
  });
});

describe('thoughts', () => {
  it('come one at a time, up to the number of latent steps', async () => {
    const { actions, state } = open();
    await actions.loadProblems(3);
    actions.pickProblem(state().latents.problems.value![2]!);
    expect(await actions.openQuestion()).toBe(true);
    // The number that the run's form specifies.
    for (let i = 0; i < 5; i++) expect(await actions.step()).toBe(true);
    expect(await actions.step()).toBe(false);
    expect(madeThoughts(state().latents).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(await actions.answer()).toBe(true);
    expect(state().link.question).toBe('held-out-2');
  });

  it('use the displayed K and feedback for the untrained base', async () => {
    const { actions, state } = open();
    await actions.loadPair();
    actions.typeQuestion('What is 1 + 1?');
    actions.setField('latent.steps', 3);
    actions.setField('latent.temperature', 0.5);
    expect(latentsOf(state())).toEqual({ steps: 3, filter: 'softmax', temperature: 0.5 });
    await actions.openQuestion();
    expect(state().latents.session.value).toMatchObject({
      latentSteps: 3,
      filter: 'softmax',
      temperature: 0.5,
    });
    actions.setField('latent.filter', 'hidden');
    actions.chooseSteps(2);
    await actions.openQuestion();
    expect(state().latents.session.value).toMatchObject({ latentSteps: 2, filter: 'hidden' });
    expect(shownSentence(state().latents.session.value!)).toContain('softmax(logits).');
  });

  it('are discarded if the question has changed in the meantime', async () => {
    const { actions, state } = open({ pace: 5 });
    await actions.loadPair();
    actions.typeQuestion('What is 1 + 1?');
    await actions.openQuestion();
    const step = actions.step();
    actions.typeQuestion('What is 2 + 2?');
    expect(await step).toBe(false);
    expect(state().latents).toMatchObject({
      seen: {},
      session: { status: 'idle' },
      thought: { status: 'idle' },
    });
  });

  it('show the engine’s advice for an empty question', async () => {
    const { actions, state } = open();
    expect(await actions.openQuestion()).toBe(false);
    expect(state().latents.session).toMatchObject({
      status: 'failed',
      error: { code: 'input', message: 'the question has no tokens' },
    });
  });
});

describe('the guided run', () => {
  it('runs all steps in order without leaving its place', async () => {
    const { actions, state, doubles } = open({ hash: '#/tour' });
    await actions.startTour();
    expect(state().tour).toMatchObject({
      task: { status: 'done' },
      done: ['device', 'pair', 'spectra', 'distil', 'latents'],
    });
    expect(state().link.panel).toBe('tour');
    const kinds = doubles[0]!.calls.map((call) => call.split(' ')[0]);
    expect([...new Set(kinds)]).toEqual([
      'open',
      'loadPair',
      'lens',
      'distil',
      'checkpoints',
      'problems',
      'openQuestion',
      'thought',
      'answer',
      'explicit',
    ]);
    expect(state().latents).toMatchObject({
      answer: { status: 'done' },
      explicit: { status: 'done' },
      student: 'trained',
    });
  });

  it('can be cancelled, keeps the finished steps and can be started again', async () => {
    const { actions, state } = open({ pace: 2 });
    const tour = actions.startTour();
    await vi.waitFor(() => expect(state().tour.step).toBe('distil'), { timeout: 5000 });
    await vi.waitFor(() => expect(state().run.task.status).toBe('running'));
    actions.cancelTour();
    await tour;
    expect(state().tour).toMatchObject({
      task: { status: 'idle' },
      step: 'distil',
      done: ['device', 'pair', 'spectra'],
    });
    expect(state().lens.report.status).toBe('done');
    expect(state().run.task.status).toBe('idle');
  });

  it('stops at the first failing step and shows its error', async () => {
    const { actions, state } = open({
      failures: { lens: engineError('memory', 'too many samples', 'Choose fewer.') },
    });
    await actions.startTour();
    expect(state().tour).toMatchObject({
      step: 'spectra',
      task: { status: 'failed', error: { code: 'memory' } },
    });
  });
});

describe('the link', () => {
  it('finds a preset by its former name, and mentions that without calling it an error', () => {
    const { actions, state } = open({ hash: '#/distil?preset=lori-128' });
    const texts = () => state().notices.map(({ text }) => text);
    expect(state().draft).toEqual(PRESETS.find(({ id }) => id === 'lori-results-128')?.config);
    expect(state().linkProblems).toEqual([]);
    expect(texts()).toEqual([expect.stringMatching(/^The preset lori-128 is now called lori-results-128/)]);
    actions.followLink('#/distil?preset=lori-steps-128');
    expect(state().draft).toMatchObject({ factors: { rationale: 'steps' } });
    expect(texts()).toHaveLength(2);
    for (const { id } of state().notices) actions.dismiss(id);
    expect(texts()).toEqual([]);
  });

  it('sets preset, question and place, and names what it does not recognise', async () => {
    const { actions, state } = open({ hash: '#/latents?preset=ce-128&question=held-out-7&theme=dark&x=1' });
    await actions.start(true);
    expect(state()).toMatchObject({
      link: { panel: 'latents', preset: 'ce-128', question: 'held-out-7', theme: 'dark' },
      linkProblems: ['unknown value "x"'],
      draft: { method: 'ce' },
      latents: { question: { id: 'held-out-7' } },
    });
    actions.followLink('#/distil?question=What%20is%202%3F');
    expect(state().latents.question).toEqual({ text: 'What is 2?', id: null, expected: null });
  });

  it('means the same to everyone: stored settings apply only if it asks for nothing', async () => {
    const kept = {
      ...memoryStore(''),
      loadSettings: async () => ({ ...defaultSettings, spectraSamples: 4 }),
    };
    const samples = async (hash: string) => {
      const { actions, state } = open({ hash, storage: kept });
      await actions.start(false);
      return state().lens.draft.samples;
    };
    expect(await samples('#/lowrank')).toBe(4);
    expect(await samples('#/lowrank?view=ranks')).toBe(defaultSettings.spectraSamples);
    expect(await samples('#/lowrank?samples=9')).toBe(9);
  });

  it('to one place leaves what the addresses of the others hold', async () => {
    const { actions, state } = open();
    const addresses = () =>
      (['lowrank', 'data', 'generate', 'latents'] as const).map((panel) => {
        actions.goTo(panel);
        return formatLink(state().link);
      });
    actions.changeLens({ layers: '2' });
    actions.changeData({ seed: 7 });
    actions.changeGenerationSetting('topK', 5);
    actions.typeQuestion('2 + 2?');
    await actions.openQuestion();
    const before = addresses();
    for (const text of ['layers=2', 'data-seed=7', 'top-k=5']) expect(before.join()).toContain(text);
    expect(before[3]).toContain('base=');
    // Going back and forward follows links too.
    actions.followLink('#/arena');
    expect(addresses()).toEqual(before);
    actions.followLink('#/data?data-seed=8');
    expect(addresses()).toEqual([before[0], '#/data?question=2+%2B+2%3F&data-seed=8', ...before.slice(2)]);
  });

  it('reports a problem that does not exist instead of throwing', async () => {
    const { actions, state } = open({
      hash: '#/latents?question=held-out-7',
      failures: { problems: engineError('input', 'no problem 7') },
    });
    await actions.start(true);
    expect(state().linkProblems).toEqual(['the question "held-out-7" could not be opened: no problem 7']);
  });
});

describe('storage', () => {
  it('is reported once if it is unavailable', async () => {
    const { actions, state } = open();
    await actions.start(false);
    await actions.start(false);
    expect(state().notices).toHaveLength(1);
    expect(state().notices[0]?.text).toContain('Nothing can be stored');
  });

  it('does not lose a run when it fails later', async () => {
    const storage = {
      ...memoryStore(''),
      unavailable: null,
      saveRun: () => Promise.reject(new Error('quota exceeded')),
    };
    const { actions, state } = open({ storage });
    expect(await actions.startRun(small)).toBe(true);
    expect(state().run.task.status).toBe('done');
    expect(state().notices.at(-1)?.text).toContain('quota exceeded');
  });

  it('has a row for a run from its start, updated whenever the page is hidden', async () => {
    const storage = { ...memoryStore(''), unavailable: null };
    const { actions, state, hide } = open({ storage, pace: 5 });
    await actions.loadPair();
    const running = actions.startRun(
      parseRunConfig({ optimiser: { steps: 100_000 }, evaluation: { every: 0 } }),
    );
    const slow = { timeout: 10_000 };
    await vi.waitFor(async () => expect((await storage.listRuns()).runs).toHaveLength(1), slow);
    const { id } = state().run;
    expect([...(await storage.listRuns()).underWay]).toEqual([id]);
    const steps = async () => (await storage.listRuns()).runs[0]?.series.step.length;
    expect(await steps()).toBe(0);
    await vi.waitFor(() => expect(state().run.series.step.length).toBeGreaterThan(2), slow);
    hide();
    await vi.waitFor(async () => expect(await steps()).toBeGreaterThan(2), slow);
    actions.cancelRun();
    expect(await running).toBe(false);
    expect((await storage.listRuns()).runs).toMatchObject([{ id, result: null }]);
    expect((await storage.listRuns()).underWay.size).toBe(0);
    hide();
  });

  it('lists a finished run as finished when there is no room, and names the error', async () => {
    const storage = {
      ...memoryStore(''),
      unavailable: null,
      saveRun: () => Promise.reject(new DOMException('', 'QuotaExceededError')),
    };
    const { actions, state } = open({ storage });
    expect(await actions.startRun(small)).toBe(true);
    expect(state().saved).toMatchObject([{ id: state().run.id, result: { steps: 12 } }]);
    expect(state().notices.at(-1)?.text).toMatch(/QuotaExceededError[\s\S]*download it as a file/);
  });

  it('shows a stored run with its configuration in the form', async () => {
    const { actions, state } = open();
    expect(await actions.startRun(small)).toBe(true);
    const { id } = state().run;
    expect(await actions.startRun(parseRunConfig({ optimiser: { steps: 3 } }))).toBe(true);
    actions.choosePreset('ce-128');
    actions.showRun(id ?? '');
    expect(state().run).toMatchObject({ id, config: small });
    expect(state().draft).toEqual(small);
    expect(state().link.preset).toBeNull();
  });

  it('keeps a run in the list when it cannot be deleted, and says why', async () => {
    const memory = memoryStore('');
    const storage = { ...memory, unavailable: null, deleteRun: () => Promise.reject(new Error('not now')) };
    const { actions, state } = open({ storage });
    expect(await actions.startRun(small)).toBe(true);
    await actions.deleteRun(state().run.id ?? '');
    expect(state().saved).toHaveLength(1);
    expect(state().notices.at(-1)?.text).toContain('could not be deleted: not now');
  });
});
