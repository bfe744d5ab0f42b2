import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { RunEvent } from '../../contract/events';
import type { Context } from './context';
import { withValue } from './draft';
import type { EngineActions } from './engine-actions';
import { noteLoss } from './engine-actions';
import { outlived } from './lens';
import { refreshCheckpoints } from './lens-actions';
import { isActive } from './run';
import { modelsThatDiffer, readRunFile } from './run-file';
import { runKeeper } from './saved-actions';
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
  /** A kept run's curves and result again, and its configuration in the form, to repeat it. */
  showRun(id: string): void;
}

/** Milliseconds between two updates of the page while a run goes on. */
const UPDATE = 100;

export function runActions(ctx: Context, engine: EngineActions): RunActions {
  let cancel = new AbortController();
  let queue: RunEvent[] = [];
  let flushing: ReturnType<typeof setTimeout> | null = null;
  const keeper = runKeeper(ctx);

  const flush = () => {
    if (flushing !== null) clearTimeout(flushing);
    flushing = null;
    if (queue.length === 0) return;
    const events = queue;
    queue = [];
    ctx.run({ type: 'events', events });
    if (events.some(({ kind }) => kind === 'spectrum')) void refreshCheckpoints(ctx);
    void keeper.keep('due');
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
      ctx.set({ draft: presetConfig(id) });
      link(id);
    },
    setField(path, value) {
      ctx.set({ draft: withValue(ctx.get().draft, path, value) });
    },
    readRunFile(text) {
      const file = readRunFile(text);
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
      const config = parseRunConfig(wanted);
      if (ctx.get().pair.status !== 'ready' && !(await engine.loadPair())) return false;
      cancel = new AbortController();
      queue = [];
      const id = new Date().toISOString();
      ctx.run({ type: 'start', id, config });
      keeper.begin();
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
        await keeper.end();
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
        await keeper.end();
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
      if (ctx.get().run.id !== id) return;
      ctx.set({ draft: row.config });
      link(null);
    },
  };
}
