import { ablationsOf, planOf } from '../../contract/ablations';
import {
  type Arena,
  type ArenaRun,
  formatArena,
  isResult,
  MAX_CONTENDERS,
  readArenaFile,
  remaining,
  rowOf,
} from '../../contract/arena';
import { remainingKept } from '../../contract/arena-kept';
import type { RunConfig } from '../../contract/config';
import type { Progress } from '../../contract/events';
import { STORAGE_SHORT } from '../../contract/weight-storage';
import { ARENA_TAG } from '../../storage/store';
import {
  type ArenaCost,
  type ArenaPlanState,
  type ArenaState,
  arenaOf,
  arenaStateOf,
  planState,
  usualBaseline,
  usualPresets,
} from './arena';
import { arenaCost } from './arena-cost';
import { answerByKept, keptContender, storageFor } from './arena-kept-actions';
import type { Context } from './context';
import { latestOnly } from './latest';
import { isActive } from './run';
import type { RunActions } from './run-actions';
import type { AppState } from './state';
import type { StudentActions } from './student-actions';
import { failureOf, isBusy, sentencesOf } from './task';

export interface ArenaActions {
  changeArena(change: Partial<Pick<ArenaState, 'presets' | 'seeds' | 'baseline' | 'heldOut'>>): void;
  /** Adds the settings of the Distil place as a contender. */
  addDraftToArena(): void;
  /** Adds the student of a kept run, which answers the contenders’ problems and is not trained. @param run its id */
  addKeptToArena(run: string): void;
  removeFromArena(name: string): void;
  /** Fills the arena in with an ablation from a paper; until a run of it has ended, `undoArena` brings back the previous arena. */
  fillArena(ablation: string): void;
  /** What all runs of an ablation take; `null` before models and device are there. */
  ablationCost(ablation: string): Promise<ArenaCost | null>;
  /** Fills the arena in with an ablation and runs it, unless there are results that this would replace. */
  runAblation(ablation: string): Promise<boolean>;
  /** Estimates what the remaining runs take. */
  estimateArena(): Promise<void>;
  /**
   * Has the kept students answer that have not, then runs what is left to run, one after another; every row is stored as
   * soon as it is there.
   */
  runArena(): Promise<boolean>;
  /** Also cancels the current run, which is run again when the arena continues. */
  cancelArena(): void;
  /** Drops the runs so far; until another run has ended, `undoArena` brings them back. */
  clearArena(): void;
  undoArena(): void;
  /** Loads an arena file. @throws an error that says what is wrong with it */
  readArena(text: string): void;
  /** Loads the stored arena. */
  loadArena(): Promise<void>;
}

export function arenaActions(ctx: Context, run: RunActions, students: StudentActions): ArenaActions {
  const get = () => ctx.get().arena;
  const set = (change: Partial<ArenaState>) => ctx.set({ arena: { ...get(), ...change } });
  const task = ctx.task<true>({ get: () => get().task, set: (next) => set({ task: next }) });
  let dropped: ArenaPlanState | null = null;
  /** Of concurrent estimates, only the last is shown. */
  const estimating = latestOnly();
  const arena = (): Arena => arenaOf(get(), ctx.get().presets);
  /** Names that a new contender cannot have. */
  const names = (): ReadonlySet<string> => {
    const { contenders, kept = [] } = arena();
    return new Set(
      [...contenders, ...kept].map(({ name }) => name).concat(ctx.get().presets.map(({ id }) => id)),
    );
  };
  const planFor = (id: string) => {
    const { methods } = ctx.get();
    const ablation = ablationsOf(methods).find((one) => one.id === id);
    return ablation && planOf(ablation, methods);
  };
  const costOf = (of: Arena, signal?: AbortSignal) =>
    arenaCost(of, (config) => ctx.engine().runCost(config, signal && { signal }));
  const isReady = () => {
    const { pair, device } = ctx.get();
    return pair.status === 'done' && device.status === 'done';
  };

  const keep = async () => {
    try {
      await (await ctx.storage).saveArena(formatArena(arena()));
    } catch (thrown) {
      ctx.notify(
        'warning',
        `The arena could not be kept in this browser: ${sentencesOf(thrown)} Its results are still in this page, and are kept with the next change or run; a download has them too.`,
      );
    }
  };
  const change = (next: Partial<ArenaState>) => {
    set(next);
    void keep();
  };
  const add = (row: ArenaRun) => {
    // Bringing back what was dropped would replace the runs made from here on.
    dropped = null;
    set({ runs: [...get().runs, row], canUndo: false });
  };
  const drop = () => {
    dropped = planState(get());
    change({ runs: [], canUndo: true });
  };
  const read = (text: string): void => {
    const { methods } = ctx.get();
    const { arena: found, notes } = readArenaFile(text, methods);
    for (const note of notes) ctx.notify('warning', note);
    set(arenaStateOf(found, methods));
  };

  /** Has the kept students answer that have not yet. */
  const answersOfKept = async (signal: AbortSignal, report: (progress: Progress) => void) => {
    for (const contender of remainingKept(arena())) {
      signal.throwIfAborted();
      set({ now: { name: contender.name, seed: contender.seed, isKept: true } });
      const row = await answerByKept(ctx, students, arena(), contender, { signal, report });
      signal.throwIfAborted();
      add(row);
      await keep();
    }
  };
  const fill = (id: string): void => {
    const plan = planFor(id);
    if (!plan || isBusy(get().task)) return;
    const { heldOut } = get();
    dropped = planState(get());
    change({
      ...arenaStateOf({ ...plan, runs: [] }, ctx.get().methods),
      // All points go into `others`, so that one that equals a preset keeps its name on the axis.
      ...{ presets: [], others: plan.contenders, heldOut, canUndo: true, cost: null },
    });
  };
  const runAll = async (): Promise<boolean> => {
    if (isBusy(get().task) || isActive(ctx.get().run)) return false;
    const outcome = await task.start(async ({ signal, report }) => {
      const start = performance.now();
      await answersOfKept(signal, report);
      const left = remaining(arena());
      for (const [done, { contender, seed }] of left.entries()) {
        signal.throwIfAborted();
        const { name, config } = contender;
        checkModels(get().runs, config, ctx.get());
        set({ now: { name, seed } });
        report({
          phase: 'train',
          done,
          total: left.length,
          unit: 'runs',
          elapsed: performance.now() - start,
        });
        const went = await run.startRun({ ...config, seed }, [ARENA_TAG]);
        signal.throwIfAborted();
        const { task: own, result, series } = ctx.get().run;
        const storage = storageFor(config, ctx.get());
        if (went && result)
          add({ ...rowOf(name, seed, result, series.accuracy), ...(storage && { storage }) });
        else if (own.status === 'failed' && isResult(own.error.code))
          // A run that diverges, or a method that refuses its settings, is a result.
          add({ name, seed, failed: own.error.message });
        else if (own.status === 'failed') throw Object.assign(new Error(own.error.message), own.error);
        else throw new DOMException('a run was cancelled', 'AbortError');
        await keep();
      }
      return true;
    });
    set({ now: null });
    return outcome.status === 'done';
  };

  return {
    changeArena(next) {
      // Results on other problems cannot be compared with those to come.
      if (next.heldOut !== undefined && next.heldOut !== get().heldOut && get().runs.length > 0) drop();
      change(next);
    },
    addDraftToArena() {
      const { draft } = ctx.get();
      const taken = names();
      let name: string = draft.method;
      for (let i = 2; taken.has(name); i++) name = `${draft.method}-${i}`;
      change({ others: [...get().others, { name, config: draft }] });
    },
    addKeptToArena(id) {
      const { saved, methods, arena: state } = ctx.get();
      const row = saved.find((one) => one.id === id);
      const contender =
        row && state.kept.length < MAX_CONTENDERS ? keptContender(row, names(), methods) : null;
      if (contender) change({ kept: [...state.kept, contender] });
    },
    removeFromArena(name) {
      const { others, presets, kept, runs } = get();
      change({
        others: others.filter((one) => one.name !== name),
        presets: presets.filter((id) => id !== name),
        kept: kept.filter((one) => one.name !== name),
        runs: runs.filter((one) => one.name !== name),
      });
    },
    fillArena: fill,
    async ablationCost(id) {
      const plan = planFor(id);
      return plan && isReady() ? costOf({ ...plan, runs: [] }) : null;
    },
    async runAblation(id) {
      if (get().runs.length > 0 || isBusy(get().task) || isActive(ctx.get().run)) return false;
      fill(id);
      return runAll();
    },
    async estimateArena() {
      const signal = estimating();
      if (!isReady() || isBusy(get().task)) return;
      const cost = await costOf(arena(), signal);
      if (!signal.aborted) set({ cost });
    },
    runArena: runAll,
    cancelArena() {
      task.cancel();
      run.cancelRun();
      students.cancelOpenStudent();
    },
    clearArena: drop,
    undoArena() {
      if (!dropped) return;
      change({ ...dropped, canUndo: false });
      dropped = null;
    },
    readArena(text) {
      read(text);
      void keep();
    },
    async loadArena() {
      const { methods } = ctx.get();
      set({ presets: usualPresets(methods), baseline: usualBaseline(methods) });
      const kept = await (await ctx.storage).loadArena();
      if (kept === null) return;
      try {
        read(kept);
      } catch (thrown) {
        ctx.notify('warning', `The kept arena could not be read: ${failureOf(thrown).message}`);
      }
    },
  };
}

/** Runs on other weights, or on the same kept in fewer bits, would not be comparable. */
function checkModels(
  runs: ArenaState['runs'],
  config: RunConfig,
  state: Pick<AppState, 'pair' | 'lens'>,
): void {
  const { opened } = state.lens;
  const models = [...(state.pair.value?.models ?? []), ...(opened.value ? [opened.value] : [])];
  const other = runs
    .flatMap(({ models: own = {} }) => Object.entries(own))
    .find(([name, sha256]) => models.some((model) => model.name === name && model.sha256 !== sha256));
  if (other)
    throw Object.assign(new Error(`the runs so far were made with other weights of ${other[0]}`), {
      code: 'input',
      hint: 'Load them, then drop all runs, and start again.',
    });
  const storage = storageFor(config, state);
  const kept = runs.find(
    (run) => run.storage !== undefined && storage !== undefined && run.storage !== storage,
  );
  if (kept?.storage)
    throw Object.assign(
      new Error(`the runs so far were made with the base’s matrices in ${STORAGE_SHORT[kept.storage]}`),
      { code: 'input', hint: 'Keep them so in the Model place, or drop all runs, and start again.' },
    );
}
