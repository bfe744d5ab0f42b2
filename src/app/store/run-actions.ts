import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { RunEvent } from '../../contract/events';
import type { SavedRun } from '../../storage/rows';
import type { Context } from './context';
import { withValue } from './draft';
import type { EngineActions } from './engine-actions';
import { noteLoss } from './engine-actions';
import { outlived } from './lens';
import { refreshCheckpoints } from './lens-actions';
import { isActive } from './run';
import { modelsThatDiffer, readRunFile } from './run-file';
import { presetConfig } from './state';
import { failureOf, isCancelled } from './task';

export interface RunActions {
  choosePreset(id: string): void;
  setField(path: string, value: unknown): void;
  /** Takes the configuration of a run file into the form. Throws what is wrong with it. */
  readRunFile(text: string): void;
  /** Trains with the configuration of the form, or the given one. */
  startRun(config?: RunConfig): Promise<boolean>;
  control(command: 'pause' | 'resume' | 'stop'): Promise<void>;
  /** Drops the run: no student is kept. */
  cancelRun(): void;
  showRun(id: string): void;
  deleteRun(id: string): Promise<void>;
}

/** Milliseconds between two updates of the page while a run goes on. */
const UPDATE = 100;
/** Milliseconds between two writes of an unfinished run: a tab that dies loses no more. */
const AUTOSAVE = 10_000;

export function runActions(ctx: Context, engine: EngineActions): RunActions {
  let cancel = new AbortController();
  let queue: RunEvent[] = [];
  let flushing: ReturnType<typeof setTimeout> | null = null;
  let savedAt = 0;

  const keep = async () => {
    const { id, config, result, series, status } = ctx.get().run;
    if (!id || !config || (series.step.length === 0 && !result)) return;
    const row: SavedRun = {
      id,
      savedAt: Date.now(),
      config,
      result: status === 'done' || status === 'stopped' ? result : null,
      series,
    };
    savedAt = row.savedAt;
    try {
      await (await ctx.storage).saveRun(row);
      ctx.set({ saved: [row, ...ctx.get().saved.filter((saved) => saved.id !== id)].slice(0, 50) });
    } catch (thrown) {
      ctx.notify(
        'warning',
        `The run could not be kept in this browser: ${failureOf(thrown).message}. Download it as a file.`,
      );
    }
  };

  const flush = () => {
    if (flushing !== null) clearTimeout(flushing);
    flushing = null;
    if (queue.length === 0) return;
    const events = queue;
    queue = [];
    ctx.run({ type: 'events', events });
    if (events.some(({ kind }) => kind === 'spectrum')) void refreshCheckpoints(ctx);
    if (Date.now() - savedAt > AUTOSAVE) void keep();
  };

  const report = (event: RunEvent) => {
    queue.push(event);
    flushing ??= setTimeout(flush, UPDATE);
  };

  /** What was looked at on the way was not the student as it is kept now; its checkpoints are what they were. */
  const endOfTraining = () =>
    ctx.lens(
      outlived(ctx.get().lens, (subject) => subject.kind === 'student' && subject.checkpoint === undefined),
    );

  const link = (preset: string | null) => ctx.set({ link: { ...ctx.get().link, preset } });

  return {
    choosePreset(id) {
      ctx.set({ draft: presetConfig(id, ctx.get().presets) });
      link(id);
    },
    setField(path, value) {
      ctx.set({ draft: withValue(ctx.get().draft, path, value) });
    },
    readRunFile(text) {
      const { file, notes } = readRunFile(text, ctx.get().methods);
      for (const note of notes) ctx.notify('warning', note);
      ctx.set({ draft: file.config });
      link(null);
      const models = ctx.get().pair.value?.models ?? [];
      const differ =
        models.length === 0
          ? []
          : modelsThatDiffer(file, Object.fromEntries(models.map((m) => [m.name, m.sha256])));
      if (differ.length > 0) {
        ctx.notify(
          'warning',
          `The run file was made with other weights of ${differ.join(' and ')}: its losses will differ from those here.`,
        );
      }
    },
    async startRun(wanted = ctx.get().draft) {
      if (isActive(ctx.get().run)) return false;
      const config = parseRunConfig(wanted, ctx.get().methods);
      if (ctx.get().pair.status !== 'ready' && !(await engine.loadPair())) return false;
      cancel = new AbortController();
      queue = [];
      savedAt = Date.now();
      const id = new Date().toISOString();
      ctx.run({ type: 'start', id, config });
      const before = ctx.get().studentConfig;
      ctx.set({ studentConfig: null });
      ctx.lens({ checkpoints: [], ...outlived(ctx.get().lens, ({ kind }) => kind === 'student') });
      try {
        const result = await ctx.engine().distil(config, { signal: cancel.signal, report });
        flush();
        ctx.run({ type: 'finish', result });
        ctx.set({ studentConfig: result.config });
        endOfTraining();
        ctx.latents({ student: 'trained' });
        await refreshCheckpoints(ctx);
        await keep();
        return true;
      } catch (thrown) {
        flush();
        const error = failureOf(thrown);
        ctx.run(isCancelled(error) ? { type: 'cancel' } : { type: 'fail', error });
        // What the engine holds now: this run's student as far as it was copied to host memory, else the one before.
        const { step, accuracy, spectra } = ctx.get().run.series;
        const seen = accuracy.length > 0 || spectra.some((row) => row.step > 0);
        const copied = error.code === 'device' ? seen : step.length > 0;
        ctx.set({ studentConfig: copied && !isCancelled(error) ? config : before });
        endOfTraining();
        noteLoss(ctx, thrown);
        await keep();
        return false;
      }
    },
    async control(command) {
      ctx.run({ type: 'wish', wish: command });
      try {
        await ctx.engine().control(command);
        if (command === 'pause') ctx.run({ type: 'paused' });
        if (command === 'resume') ctx.run({ type: 'resumed' });
      } catch (thrown) {
        ctx.run({ type: 'wish failed' });
        ctx.notify('warning', `Could not ${command} the run: ${failureOf(thrown).message}`);
      }
    },
    cancelRun: () => cancel.abort(),
    showRun(id) {
      const row = ctx.get().saved.find((saved) => saved.id === id);
      if (!row) return;
      ctx.run({ type: 'show', id, config: row.config, series: row.series, result: row.result });
    },
    async deleteRun(id) {
      ctx.set({ saved: ctx.get().saved.filter((saved) => saved.id !== id) });
      await (await ctx.storage).deleteRun(id);
    },
  };
}
