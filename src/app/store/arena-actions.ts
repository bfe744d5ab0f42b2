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
import { heldIn, stepArenaBack, stepArenaForward } from './arena-history';
import { answerByKept, keptContender, storageFor } from './arena-kept-actions';
import { type ArenaLink, arenaLink, arenaOfLink, planOfAblation } from './arena-link';
import type { Context } from './context';
import { remember } from './history';
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
  /** Takes a contender out, and its results with it. */
  removeFromArena(name: string): void;
  /** Fills the arena in with an ablation from a paper. */
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
  /** Drops the runs so far. */
  clearArena(): void;
  /**
   * Take back the last change of the form, and make it again. The results that the change dropped come back, and those measured since stay;
   * where one would be lost, a notice says so and nothing is undone.
   */
  undoArena(): void;
  redoArena(): void;
  /** Puts the arena of a link into the form: nothing is run, and what this browser keeps stays until the next change. */
  followArena(link: ArenaLink): void;
  /** Loads an arena file. @throws an error that says what is wrong with it */
  readArena(text: string): void;
  /** Loads the stored arena. */
  loadArena(): Promise<void>;
}

/** Fields that are typed into. */
const TYPED: readonly (keyof ArenaState)[] = ['seeds', 'heldOut'];

export function arenaActions(ctx: Context, run: RunActions, students: StudentActions): ArenaActions {
  const get = () => ctx.get().arena;
  const set = (change: Partial<ArenaState>) => ctx.set({ arena: { ...get(), ...change } });
  const task = ctx.task<true>({ get: () => get().task, set: (next) => set({ task: next }) });
  /** Results that were measured here, not read from a file. */
  const measured = new WeakSet<ArenaRun>();
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
  /** Has the address stand for the form. */
  const publish = () => {
    const { link, methods } = ctx.get();
    ctx.set({ link: { ...link, arena: arenaLink(plan(), methods) } });
  };
  const change = (next: Partial<ArenaState>) => {
    set(next);
    publish();
    void keep();
  };
  /** The history after a change to another plan. @param touched see `remember` */
  const remembered = (
    before: ArenaPlanState,
    next: Partial<ArenaPlanState>,
    touched: string | null = null,
  ) =>
    JSON.stringify({ ...before, ...next }) === JSON.stringify(before) ? {} : remember(get(), before, touched);
  /** A change of the form, as a step that can be undone. */
  const edit = (next: Partial<ArenaPlanState>, touched: string | null = null) =>
    change({ ...next, ...remembered(plan(), next, touched) });
  const step = (way: 'undo' | 'redo'): void => {
    if (isBusy(get().task)) return;
    const found =
      way === 'undo'
        ? stepArenaBack(plan(), get(), ctx.get().presets, (run) => measured.has(run))
        : stepArenaForward(plan(), get());
    if (found === null) return;
    if (typeof found === 'string') {
      ctx.notify('warning', found);
      return;
    }
    lastHeldOut = null;
    change({ ...found.plan, ...found.history });
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
    measured.add(row);
    // Redo would put back the plan as it was without it.
    set({ runs: [...get().runs, row], future: [] });
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
    const found = planOfAblation(id, ctx.get().methods);
    if (!found || isBusy(get().task)) return;
    const { heldOut } = plan();
    set({ cost: null });
    edit({ ...found, heldOut });
    lastHeldOut = null;
  };
  const follow = (link: ArenaLink): void => {
    const { methods, presets } = ctx.get();
    const before = plan();
    const asked = arenaOfLink(link, methods);
    // What no link carries stays where the form already has the rest.
    const isHere = JSON.stringify(arenaLink(asked, methods)) === JSON.stringify(arenaLink(before, methods));
    if (Object.keys(link).length > 0 && !isHere && isBusy(get().task))
      ctx.notify('info', 'The arena is running: the link was not followed. Open it again once it has ended.');
    else if (Object.keys(link).length > 0 && !isHere) {
      const runs = heldIn(before, asked, presets);
      set({ ...asked, runs, cost: null, ...remembered(before, { ...asked, runs }) });
      lastHeldOut = null;
      const gone = before.runs.length - runs.length;
      if (gone > 0)
        ctx.notify(
          'info',
          `The arena of the link took the place of ${gone === 1 ? '1 result' : `${gone} results`}: Undo brings them back. This browser keeps them until something is changed or run.`,
        );
    }
    publish();
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
      const [field = null, ...others] = Object.keys(next);
      const touched = others.length === 0 && TYPED.includes(field as keyof ArenaState) ? field : null;
      if (next.heldOut === undefined) return edit(next, touched);
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
      const drops = next.heldOut !== get().heldOut && runs.length > 0;
      edit({ ...next, ...(drops && { runs: [] }) }, touched);
    },
    addDraftToArena() {
      const { draft } = ctx.get();
      const taken = names();
      let name: string = draft.method;
      for (let i = 2; taken.has(name); i++) name = `${draft.method}-${i}`;
      const others = [...get().others, { name, config: draft }];
      if (areEqual({ others })) edit({ others });
    },
    addKeptToArena(id) {
      const { saved, methods, arena: state } = ctx.get();
      const row = saved.find((one) => one.id === id);
      const contender =
        row && state.kept.length < MAX_CONTENDERS ? keptContender(row, names(), methods) : null;
      if (contender) edit({ kept: [...state.kept, contender] });
    },
    removeFromArena(name) {
      const { others, presets, kept, runs } = get();
      edit({
        others: others.filter((one) => one.name !== name),
        presets: presets.filter((id) => id !== name),
        kept: kept.filter((one) => one.name !== name),
        runs: runs.filter((one) => one.name !== name),
      });
    },
    fillArena: fill,
    async ablationCost(id) {
      const { methods, presets } = ctx.get();
      const found = planOfAblation(id, methods);
      return found && isReady() ? costOf(arenaOf({ ...found, heldOut: plan().heldOut }, presets)) : null;
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
    clearArena: () => edit({ runs: [] }),
    undoArena: () => step('undo'),
    redoArena: () => step('redo'),
    followArena: follow,
    readArena(text) {
      const before = plan();
      read(text);
      change(remembered(before, plan()));
    },
    async loadArena() {
      const { methods } = ctx.get();
      set({ presets: usualPresets(methods), baseline: usualBaseline(methods) });
      const kept = await (await ctx.storage).loadArena();
      try {
        if (kept !== null) read(kept);
      } catch (thrown) {
        ctx.notify('warning', `The kept arena could not be read: ${failureOf(thrown).message}`);
      }
      follow(ctx.get().link.arena);
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
