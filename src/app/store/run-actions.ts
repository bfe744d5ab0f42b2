import type { RunOptions } from '../../contract/calls';
import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { RunEvent, RunResult } from '../../contract/events';
import { listed, shorten } from '../../text/quote';
import type { Context } from './context';
import { withValue } from './draft';
import type { EngineActions } from './engine-actions';
import { noteLoss } from './engine-actions';
import { outlived } from './lens';
import { refreshCheckpoints } from './lens-actions';
import type { RunWhenLost } from './recovery';
import { type RecoveryActions, runRecovery } from './recovery-actions';
import { type RoleActions, roleActions } from './role-actions';
import { isActive } from './run';
import { editDraft, stepDraft, typedPath } from './run-draft';
import { modelsThatDiffer, readRunFile } from './run-file';
import { runAutosave } from './saved-actions';
import { presetConfig } from './state';
import { failureOf, idle, sentencesOf } from './task';

export interface RunActions extends RoleActions, RecoveryActions {
  choosePreset(id: string): void;
  setField(path: string, value: unknown): void;
  /** Take back the last change of the form, and make it again: a preset, a file or a run that was put into it is one. */
  undoDraft(): boolean;
  redoDraft(): boolean;
  /** Loads a run file's configuration into the form. @throws an error that says what is wrong with it */
  readRunFile(text: string): void;
  /**
   * Trains with the given configuration, or the form's. A run whose GPU is lost resumes by itself from its checkpoint on a new
   * device, and is awaited. @param tags the run's tags
   */
  startRun(config?: RunConfig, tags?: readonly string[]): Promise<boolean>;
  /** Resumes a run from its stored snapshot; an engine that died is restarted. */
  resumeRun(id: string): Promise<boolean>;
  control(command: 'pause' | 'resume' | 'stop'): Promise<void>;
  /** Cancels the run in any phase; no student is stored. */
  cancelRun(): void;
  /** Shows a stored run's curves and result, with its configuration in the form so that it can be repeated. */
  showRun(id: string): void;
}

/** Milliseconds between two updates of the page during a run. */
const UPDATE = 200;

/** Attempts to take over a run, and milliseconds between two: the browser frees the lock of a closed tab soon, but not at once. */
const CLAIMS = 6;
const CLAIM_PAUSE = 300;

export function runActions(ctx: Context, engine: EngineActions): RunActions {
  const run = ctx.task<true>({
    get: () => ctx.get().run.task,
    set: (task) => ctx.run({ type: 'task', task }),
  });
  /** Whether the engine reports when it has paused; if it does not, it has paused when the call returns. */
  let tellsStates = false;
  let reached: ((state: 'running' | 'paused') => void) | null = null;
  let queue: RunEvent[] = [];
  let flushing: ReturnType<typeof setTimeout> | null = null;
  const autosave = runAutosave(ctx);
  const recovery = runRecovery(ctx, engine, ctx.resumeAfter);
  /** The last attempt as it was when its GPU was lost. */
  let lost: RunWhenLost | null = null;

  const flush = () => {
    if (flushing !== null) clearTimeout(flushing);
    flushing = null;
    if (queue.length === 0) return;
    const events = queue;
    queue = [];
    ctx.run({ type: 'events', events });
    if (events.some(({ kind }) => kind === 'spectrum')) void refreshCheckpoints(ctx);
    void autosave.keep('due');
  };

  const report = (event: RunEvent) => {
    if (event.kind === 'state') {
      tellsStates = true;
      reached?.(event.state);
    }
    if (event.kind === 'student') {
      // Even if the run fails afterwards, this is the student the engine holds from now on.
      const { run: own, studentConfig, latents } = ctx.get();
      const hasRows = (config: RunConfig | null) => config?.roles.data === 'opened';
      ctx.set({ student: event.student, studentConfig: own.config, studentRun: own.id });
      // For a student trained on rows, the held-out problems are rows.
      const others = (hasRows(own.config) || hasRows(studentConfig)) && { problems: idle };
      ctx.latents({ student: 'trained', ...(latents.problems.status !== 'idle' && others) });
    }
    if (event.kind === 'kept' && event.failure !== null)
      ctx.notify('warning', `The student of this run is not being kept: ${event.failure} The run continues.`);
    if (event.kind === 'resumed') noteProvider(event.provider);
    queue.push(event);
    flushing ??= setTimeout(flush, UPDATE);
  };

  const noteProvider = (before: string) => {
    const now = ctx.get().device.value?.provider;
    if (now !== undefined && now !== before)
      ctx.notify(
        'info',
        `The run was computed on ${before} and continues on ${now}: from here on its losses differ in the last digits from those of a run on one device alone.`,
      );
  };

  /**
   * Marks reports made during training as outlived: they do not show the student as it is now. Its
   * checkpoints have not changed.
   */
  const endOfTraining = () =>
    ctx.lens(
      outlived(ctx.get().lens, (subject) => subject.kind === 'student' && subject.checkpoint === undefined),
    );

  /** Writes the run's snapshots; undefined if nothing can be stored. */
  const keepFor = (id: string): RunOptions['keep'] =>
    ctx.students.unavailable !== null
      ? undefined
      : async (snapshot) => {
          const { step, steps, status } = snapshot;
          const bytes = snapshot.file.byteLength;
          await ctx.students.write(id, snapshot);
          const kept = new Map(ctx.get().kept);
          ctx.set({ kept: kept.set(id, { run: id, step, steps, status, bytes }) });
        };

  /** Deletes what was stored of a discarded run. */
  const discard = async (id: string) => {
    try {
      await ctx.students.remove(id);
      const kept = new Map(ctx.get().kept);
      kept.delete(id);
      ctx.set({ kept });
    } catch (thrown) {
      ctx.notify('warning', `The kept data of the run could not be deleted: ${failureOf(thrown).message}`);
    }
  };

  /** One run from the press of the button to its end. @returns null if it did not start */
  const train = async (
    id: string,
    config: RunConfig,
    begin: (options: RunOptions) => Promise<RunResult>,
    prepare: () => Promise<boolean>,
    tags: readonly string[] = [],
  ): Promise<boolean | null> => {
    let hasBegun = false;
    const outcome = await run.start(async (turn) => {
      hasBegun = true;
      tellsStates = false;
      reached = turn.reached;
      queue = [];
      turn.show(null);
      lost = null;
      ctx.set({ recovery: null });
      ctx.run({ type: 'begin', id, config });
      ctx.set({ offered: ctx.get().offered === id ? null : ctx.get().offered });
      autosave.begin(tags);
      ctx.lens({ checkpoints: [], ...outlived(ctx.get().lens, ({ kind }) => kind === 'student') });
      try {
        const keep = keepFor(id);
        const result = await begin({ signal: turn.signal, report, ...(keep && { keep }) });
        flush();
        ctx.run({ type: 'finish', result });
        return true;
      } catch (thrown) {
        const { task, isStopping } = ctx.get().run;
        if (failureOf(thrown).code === 'lost') lost = { status: task.status, isStopping };
        throw thrown;
      } finally {
        flush();
      }
    }, prepare);
    if (!hasBegun) return null;
    endOfTraining();
    if (outcome.status === 'done') await refreshCheckpoints(ctx);
    if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
    if (outcome.status === 'cancelled') await discard(id);
    await autosave.end();
    return outcome.status === 'done';
  };

  /** What follows an attempt: after a loss of the GPU, the next one. @param ended see `train` */
  const afterLoss = async (id: string, ended: boolean | null): Promise<boolean> => {
    if (ended !== false || lost === null) return ended ?? false;
    const { latest, series } = ctx.get().run;
    const step = latest?.step ?? series.step.at(-1) ?? 0;
    return (await recovery.isToResume({ run: id, step, at: Date.now() }, lost)) ? resume(id) : false;
  };

  /** Takes over a run that no other tab is training. */
  const claim = async (id: string): Promise<boolean> => {
    const store = await ctx.storage;
    for (let attempt = 1; attempt <= CLAIMS; attempt++) {
      if (await store.claimRun(id)) return true;
      if (attempt < CLAIMS) await new Promise((resolve) => setTimeout(resolve, CLAIM_PAUSE));
    }
    return false;
  };

  /**
   * Prepares the device, and the pair if needed, on a new engine if the old one is dead or its heap is full.
   */
  const readyAgain = (config: RunConfig) => () => {
    const { dead, isHeapFull } = ctx.get();
    return dead !== null || isHeapFull ? engine.restart() : engine.readyFor(config);
  };

  const resume = async (id: string): Promise<boolean> => {
    const row = ctx.get().saved.find((saved) => saved.id === id);
    if (!row || isActive(ctx.get().run)) return false;
    const store = await ctx.storage;
    try {
      if (!(await claim(id))) {
        ctx.notify('warning', 'The run is in progress in another tab: this one can only show it.');
        return false;
      }
      const file = await ctx.students.read(id);
      const begin = (options: RunOptions) => ctx.engine().resume(file, options);
      const ended = await train(id, row.config, begin, readyAgain(row.config));
      // The end of a run releases it; a run that did not start is released here.
      if (ended === null) {
        store.endRun(id);
        ctx.set({ recovery: null });
      }
      return await afterLoss(id, ended);
    } catch (thrown) {
      store.endRun(id);
      ctx.notify('warning', `The run could not be resumed: ${sentencesOf(thrown)}`);
      return false;
    }
  };

  return {
    ...roleActions(ctx, engine.readyFor),
    choosePreset(id) {
      editDraft(ctx, { draft: presetConfig(id, ctx.get().presets), preset: id });
    },
    setField(path, value) {
      const state = ctx.get();
      editDraft(ctx, { draft: withValue(state.draft, path, value) }, typedPath(path, state));
    },
    undoDraft: () => stepDraft(ctx, 'undo'),
    redoDraft: () => stepDraft(ctx, 'redo'),
    readRunFile(text) {
      const { file, notes } = readRunFile(text, ctx.get().methods);
      for (const note of notes) ctx.notify('warning', note);
      editDraft(ctx, { draft: file.config, preset: null });
      const { pair, lens } = ctx.get();
      const models = [...(pair.value?.models ?? []), ...(lens.opened.value ? [lens.opened.value] : [])];
      const differ =
        models.length === 0
          ? []
          : modelsThatDiffer(file, Object.fromEntries(models.map((m) => [m.name, m.sha256])));
      if (differ.length > 0) {
        ctx.notify(
          'warning',
          `The run file was made with other weights of ${listed(differ.map((name) => shorten(name, 60)))}: its losses will differ from those here.`,
        );
      }
    },
    async startRun(wanted = ctx.get().draft, tags = []) {
      if (isActive(ctx.get().run)) return false;
      const config = parseRunConfig(wanted, ctx.get().methods);
      const id = new Date().toISOString();
      const begin = (options: RunOptions) => ctx.engine().distil(config, options);
      return afterLoss(id, await train(id, config, begin, () => engine.readyFor(config), tags));
    },
    async control(command) {
      if (command === 'pause') run.pause();
      else if (command === 'resume') run.resume();
      else ctx.run({ type: 'stop', isStopping: true });
      try {
        await ctx.engine().control(command);
        if (command !== 'stop' && !tellsStates) reached?.(command === 'pause' ? 'paused' : 'running');
      } catch (thrown) {
        if (command === 'pause') run.resume();
        if (command === 'stop') ctx.run({ type: 'stop', isStopping: false });
        ctx.notify('warning', `Could not ${command} the run: ${failureOf(thrown).message}`);
      }
    },
    resumeRun: resume,
    cancelRun() {
      recovery.cancelRecovery();
      run.cancel();
    },
    cancelRecovery: recovery.cancelRecovery,
    recoverNow: recovery.recoverNow,
    showRun(id) {
      const row = ctx.get().saved.find((saved) => saved.id === id);
      if (!row) return;
      ctx.run({ type: 'show', id, config: row.config, series: row.series, result: row.result });
      if (ctx.get().run.id !== id) return;
      editDraft(ctx, { draft: row.config, preset: null });
    },
  };
}
