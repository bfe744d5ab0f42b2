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
import { onSameProblems, otherModels } from '../../contract/arena-checks';
import { remainingKept } from '../../contract/arena-kept';
import { unequalTerms } from '../../contract/arena-terms';
import type { RunConfig } from '../../contract/config';
import type { Progress } from '../../contract/events';
import { ARENA_TAG } from '../../storage/store';
import {
  type ArenaCost,
  type ArenaPlanState,
  type ArenaState,
  arenaOf,
  arenaStateOf,
  heldOutError,
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
  /** The last number of held-out problems that could be run, while another is typed. */
  let lastHeldOut: number | null = null;
  /** Of concurrent estimates, only the last is shown. */
  const estimating = latestOnly();
  const plan = (): ArenaPlanState => ({ ...planState(get()), heldOut: lastHeldOut ?? get().heldOut });
  const arena = (): Arena => arenaOf(plan(), ctx.get().presets);
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
  /** Whether the contenders could be compared after a change; if not, it says why. */
  const areEqual = (next: Partial<ArenaState>): boolean => {
    const { contenders } = arenaOf({ ...get(), ...next }, ctx.get().presets);
    const other = unequalTerms(contenders.map(({ config }) => config));
    if (other)
      ctx.notify(
        'warning',
        `Nothing was added, since it could not be compared: ${contenders[other.at]?.name} has ${other.path.join('.')} other than the rest (${other.message}). Remove the contenders that differ, or add one with the same.`,
      );
    return other === null;
  };
  const add = (row: ArenaRun) => {
    // Bringing back what was dropped would replace the runs made from here on.
    dropped = null;
    set({ runs: [...get().runs, row], canUndo: false });
  };
  const drop = () => {
    dropped = plan();
    change({ runs: [], canUndo: true });
  };
  const read = (text: string): void => {
    const { methods } = ctx.get();
    const { arena: found, notes } = readArenaFile(text, methods);
    for (const note of notes) ctx.notify('warning', note);
    lastHeldOut = null;
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
    const found = planFor(id);
    if (!found || isBusy(get().task)) return;
    dropped = plan();
    const { heldOut } = dropped;
    lastHeldOut = null;
    change({
      ...arenaStateOf({ ...found, runs: [] }, ctx.get().methods),
      // All points go into `others`, so that one that equals a preset keeps its name on the axis.
      ...{ presets: [], others: found.contenders, heldOut, canUndo: true, cost: null },
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
        if (went && result) {
          const row = { ...rowOf(name, seed, result, series.accuracy), ...(storage && { storage }) };
          add(onSameProblems(row, get()));
        } else if (own.status === 'failed' && isResult(own.error.code))
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
      if (next.presets && !areEqual(next)) return;
      if (next.heldOut === undefined) return change(next);
      // The runs in progress answer as many as there were.
      if (isBusy(get().task)) return;
      const { heldOut, runs } = get();
      if (heldOutError(next.heldOut) !== null) {
        // Shown beside the field, and neither stored nor run.
        lastHeldOut ??= heldOut;
        return set(next);
      }
      if (lastHeldOut !== null) set({ heldOut: lastHeldOut });
      lastHeldOut = null;
      // Results on other problems cannot be compared with those to come.
      if (next.heldOut !== get().heldOut && runs.length > 0) drop();
      change(next);
    },
    addDraftToArena() {
      const { draft } = ctx.get();
      const taken = names();
      let name: string = draft.method;
      for (let i = 2; taken.has(name); i++) name = `${draft.method}-${i}`;
      const others = [...get().others, { name, config: draft }];
      if (areEqual({ others })) change({ others });
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
      const found = planFor(id);
      return found && isReady() ? costOf({ ...found, runs: [] }) : null;
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
      lastHeldOut = null;
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
  const other = otherModels(runs, models, storageFor(config, state));
  if (other) throw Object.assign(new Error(other.message), { code: 'input', hint: other.hint });
}
