import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { RunEvent } from '../../contract/events';
import { listed, shorten } from '../../text/quote';
import type { Context } from './context';
import { withValue } from './draft';
import type { EngineActions } from './engine-actions';
import { noteLoss } from './engine-actions';
import { outlived } from './lens';
import { refreshCheckpoints } from './lens-actions';
import { needsPair, type RoleField, withRole } from './role-choice';
import { isActive } from './run';
import { modelsThatDiffer, readRunFile } from './run-file';
import { runKeeper } from './saved-actions';
import { presetConfig } from './state';
import { failureOf, idle } from './task';

export interface RunActions {
  choosePreset(id: string): void;
  setField(path: string, value: unknown): void;
  /** Chooses the student, the teacher or the data; says what else had to change with it. */
  chooseRole(field: RoleField, value: string): void;
  /** Keeps the student there is as teacher for the next run, and chooses it. */
  keepTeacher(): Promise<boolean>;
  /** Loads a run file's configuration into the form. Throws what is wrong with it. */
  readRunFile(text: string): void;
  /** Trains with the given configuration, or the form's. */
  startRun(config?: RunConfig): Promise<boolean>;
  control(command: 'pause' | 'resume' | 'stop'): Promise<void>;
  /** Cancels the run in any phase; no student is kept. */
  cancelRun(): void;
  /** Shows a stored run's curves and result, with its configuration in the form so that it can be repeated. */
  showRun(id: string): void;
}

/** Milliseconds between two updates of the page during a run. */
const UPDATE = 200;

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
    if (event.kind === 'state') {
      tellsStates = true;
      reached?.(event.state);
    }
    if (event.kind === 'student') {
      // Even if the run fails afterwards, this is the student the engine holds from now on.
      const { run: own, studentConfig, latents } = ctx.get();
      const hasRows = (config: RunConfig | null) => config?.roles.data === 'opened';
      ctx.set({ student: event.student, studentConfig: own.config });
      // Of a student trained on rows the held-out problems are rows.
      const others = (hasRows(own.config) || hasRows(studentConfig)) && { problems: idle };
      ctx.latents({ student: 'trained', ...(latents.problems.status !== 'idle' && others) });
    }
    queue.push(event);
    flushing ??= setTimeout(flush, UPDATE);
  };

  /** Reports made during training did not show the student as it is now; its checkpoints have not changed. */
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
    chooseRole(field, value) {
      const { draft, data } = ctx.get();
      const { config, notes } = withRole(draft, field, value, data.report.value);
      for (const note of notes) ctx.notify('info', note);
      ctx.set({ draft: config });
    },
    async keepTeacher() {
      try {
        const kept = await ctx.engine().keepTeacher();
        ctx.set({ teacher: kept, draft: withValue(ctx.get().draft, 'roles.teacher', 'kept') });
        ctx.notify('info', `${kept.label} is the teacher of the next run.`);
        return true;
      } catch (thrown) {
        const { message, hint } = failureOf(thrown);
        ctx.notify('warning', `The student was not kept as teacher: ${message}. ${hint ?? ''}`);
        return false;
      }
    },
    readRunFile(text) {
      const { file, notes } = readRunFile(text, ctx.get().methods);
      for (const note of notes) ctx.notify('warning', note);
      ctx.set({ draft: file.config });
      link(null);
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
    async startRun(wanted = ctx.get().draft) {
      if (isActive(ctx.get().run)) return false;
      const config = parseRunConfig(wanted, ctx.get().methods);
      const id = new Date().toISOString();
      let hasBegun = false;
      const outcome = await run.start(
        async (turn) => {
          hasBegun = true;
          tellsStates = false;
          reached = turn.reached;
          queue = [];
          turn.show(null);
          ctx.run({ type: 'begin', id, config });
          keeper.begin();
          ctx.lens({ checkpoints: [], ...outlived(ctx.get().lens, ({ kind }) => kind === 'student') });
          try {
            const result = await ctx.engine().distil(config, { signal: turn.signal, report });
            flush();
            ctx.run({ type: 'finish', result });
            return true;
          } finally {
            flush();
          }
        },
        needsPair(config) ? engine.pairReady : engine.deviceReady,
      );
      if (!hasBegun) return false;
      endOfTraining();
      if (outcome.status === 'done') {
        await refreshCheckpoints(ctx);
      }
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      await keeper.end();
      return outcome.status === 'done';
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
    cancelRun: () => run.cancel(),
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
