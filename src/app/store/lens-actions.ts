import type { ModelReport } from '../../contract/events';
import type { CausalReport, CausalRequest, LensReport, NamedFile } from '../../contract/lens';
import type { StatesFile, StatesFormat, StatesRequest } from '../../contract/states';
import {
  causalErrors,
  causalRequestOf,
  mergePoints,
  mergeReports,
  sameTest,
  withPoints,
} from './causal-draft';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { changedGeneration, initialGenerationDraft } from './generation';
import { generationLink } from './generation-link';
import { noHistory } from './history';
import { editLens, type LensEdit, outlived, type WrittenFile } from './lens';
import { draftErrors, initialDraft, type LensDraft, requestOf } from './lens-draft';
import { type LensView, lensLink } from './lens-link';
import { boundsOf, draftBoundsOf } from './lens-subjects';
import { done, failed, failureOf, idle, isBusy, isCancelled, sentencesOf } from './task';
import { withoutOpened } from './without-opened';

export interface LensActions {
  showView(view: LensView): void;
  changeLens(change: Partial<LensDraft>): void;
  undoLens(): void;
  redoLens(): void;
  /** Runs the form's request, after applying a change to it, if given. The last report stays until the new one is ready. */
  runLens(change?: Partial<LensDraft>): Promise<boolean>;
  cancelLens(): void;
  /** Estimates the cost of the form's request if the models it needs are loaded; it loads none. */
  askLensCost(): Promise<void>;
  /**
   * Runs the form's test, keeping points of the same test. If ranks are given, it measures the displayed test at those ranks.
   * Cancelling a test brings back the previous one.
   */
  runCausal(ranks?: readonly number[]): Promise<boolean>;
  cancelCausal(): void;
  readRank(rank: number): void;
  /** Opens a checkpoint from files and makes it the subject. */
  openCheckpoint(files: readonly NamedFile[]): Promise<boolean>;
  /** Closes the opened model; what used it goes back to the bundled pair. */
  closeCheckpoint(): Promise<boolean>;
  cancelOpening(): void;
  refreshCheckpoints(): Promise<void>;
  /**
   * Writes the hidden states that the form asks for. @param layers by default the form's @returns the file, or `null` if there is none
   */
  exportStates(format: StatesFormat, layers?: StatesRequest['layers']): Promise<StatesFile | null>;
  cancelExport(): void;
}

/** Refreshes the list of the student's checkpoints, keeping the old one if that fails. */
export async function refreshCheckpoints(ctx: Context): Promise<void> {
  try {
    ctx.lens({ checkpoints: await ctx.engine().checkpoints() });
  } catch {
    // The run or the engine reports what is wrong.
  }
}

export function lensActions(ctx: Context, engine: EngineActions): LensActions {
  const now = () => ctx.get().lens;
  const lens = ctx.task<LensReport>({ get: () => now().report, set: (report) => ctx.lens({ report }) });
  const test = ctx.task<CausalReport>({ get: () => now().causal, set: (causal) => ctx.lens({ causal }) });
  const opening = ctx.task<ModelReport>({ get: () => now().opened, set: (opened) => ctx.lens({ opened }) });

  const file = ctx.task<WrittenFile>({ get: () => now().file, set: (next) => ctx.lens({ file: next }) });

  /** Number of cost requests so far: only the last one's answer counts. */
  let costs = 0;

  const address = () => {
    const { draft, view } = now();
    ctx.set({ link: { ...ctx.get().link, lens: lensLink(draft, view, initialDraft()) } });
  };
  const edit = (action: LensEdit) => {
    ctx.set({ lens: editLens(now(), action) });
    address();
  };
  /** An opened checkpoint does not need the pair unless it reads the pair's problems. */
  const needsPair = ({ source, subject, overlay }: LensDraft) =>
    source === 'problems' ||
    source === 'ids' ||
    subject !== 'opened' ||
    (overlay !== null && overlay !== 'opened');

  /**
   * Loads what the draft needs unless it is loaded. @returns whether it is there and can do what the draft
   * asks
   */
  const draftReady = async () => {
    if (!(await (needsPair(now().draft) ? engine.pairReady() : engine.deviceReady()))) return false;
    const { draft } = now();
    return draftErrors(draft, draftBoundsOf(ctx.get(), draft)).size === 0;
  };

  /** The form's causal test; `null` if the form already shows what is wrong. */
  const asked = (ranks?: readonly number[]): CausalRequest | Error | null => {
    const { draft } = ctx.get().forms.causal;
    const { layers, hidden } = boundsOf(ctx.get(), draft.subject);
    if (layers === null || hidden === null)
      return Object.assign(new Error(`the sizes of the ${draft.subject} are unknown`), {
        code: 'input',
        hint: 'Open it first, or choose another model.',
      });
    if (causalErrors(draft, { layers, hidden }).size > 0) return null;
    const request = causalRequestOf(draft, { layers, hidden });
    return ranks ? { ...request, ranks } : request;
  };

  const actions: LensActions = {
    showView(view) {
      ctx.lens({ view });
      address();
    },
    changeLens: (change) => edit({ type: 'change', change }),
    undoLens: () => edit({ type: 'undo' }),
    redoLens: () => edit({ type: 'redo' }),
    async runLens(change) {
      if (isBusy(now().report)) return false;
      if (change) edit({ type: 'change', change });
      const outcome = await lens.start(({ signal, report }) => {
        const { draft } = now();
        return ctx.engine().lens(requestOf(draft, draftBoundsOf(ctx.get(), draft)), { signal, report });
      }, draftReady);
      if (outcome.status === 'done') ctx.lens({ outlived: { ...now().outlived, report: false } });
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelLens: () => lens.cancel(),
    async askLensCost() {
      const mine = ++costs;
      const { draft, cost } = now();
      const { pair, device } = ctx.get();
      const ready = needsPair(draft) ? pair.status === 'done' : now().opened.status === 'done';
      if (!ready || device.status !== 'done' || draftErrors(draft, draftBoundsOf(ctx.get(), draft)).size > 0)
        return ctx.lens({ cost: idle });
      try {
        const found = await ctx.engine().lensCost(requestOf(draft, draftBoundsOf(ctx.get(), draft)));
        if (mine === costs) ctx.lens({ cost: done(found) });
      } catch (thrown) {
        if (mine === costs) ctx.lens({ cost: failed(failureOf(thrown), cost.value) });
      }
    },
    async runCausal(ranks) {
      if (isBusy(now().causal)) return false;
      const before = now().causal.value;
      let request: CausalRequest | Error | null = null;
      ctx.lens({ points: [] });
      const outcome = await test.start(
        async ({ signal, report, show }) => {
          if (request === null || request instanceof Error) throw request;
          const current = now().outlived.causal ? null : before;
          // Points of another test or another student do not belong in this chart.
          const old = current && sameTest(current.request, request) ? current : null;
          show(old);
          try {
            const found = await ctx.engine().causal(request, {
              signal,
              report(event) {
                if ('kind' in event) ctx.lens({ points: mergePoints(now().points, [event.point]) });
                else report(event);
              },
            });
            ctx.lens({ points: [], outlived: { ...now().outlived, causal: false } });
            return mergeReports(old, found);
          } catch (thrown) {
            const { points } = now();
            const cancelled = isCancelled(failureOf(thrown));
            // Points measured before a failure stay visible; a cancelled test restores the previous points.
            const kept =
              old !== null
                ? withPoints(old, points)
                : points.length === 0 || (cancelled && before !== null)
                  ? before
                  : null;
            show(kept);
            if (kept !== null) ctx.lens({ points: [] });
            throw thrown;
          }
        },
        async () => {
          if (!(await engine.pairReady())) return false;
          const current = now().outlived.causal ? null : before;
          request = ranks && current ? { ...current.request, ranks } : asked(ranks);
          return request !== null;
        },
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelCausal: () => test.cancel(),
    readRank: (rank) => ctx.lens({ rank }),
    async openCheckpoint(files) {
      const outcome = await opening.start(
        ({ signal, report }) => ctx.engine().openCheckpoint(files, { signal, report }),
        engine.deviceReady,
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      if (outcome.status !== 'done') return false;
      ctx.lens({ ...outlived(now(), ({ kind }) => kind === 'opened'), storage: idle, storages: noHistory });
      edit({ type: 'change', change: { subject: 'opened' } });
      // Opening a model means wanting to use it: here, and in Generate.
      const generation = changedGeneration(ctx.get().generation, { subject: 'opened' });
      ctx.set({
        generation,
        link: { ...ctx.get().link, generation: generationLink(generation.draft, initialGenerationDraft) },
      });
      return true;
    },
    async closeCheckpoint() {
      try {
        await ctx.engine().closeCheckpoint();
      } catch (thrown) {
        ctx.notify('warning', `The opened model was not closed: ${sentencesOf(thrown)}`);
        return false;
      }
      ctx.set(withoutOpened(ctx.get()));
      address();
      return true;
    },
    cancelOpening: () => opening.cancel(),
    refreshCheckpoints: () => refreshCheckpoints(ctx),
    async exportStates(format, chosen) {
      let made: StatesFile | null = null;
      const outcome = await file.start(async ({ signal, report }) => {
        const { draft } = now();
        const asked = requestOf(draft, draftBoundsOf(ctx.get(), draft));
        const { source, selections, span = null } = asked;
        const layers = chosen === undefined ? asked.layers : chosen;
        const { subject, sections } = selections[0] as (typeof selections)[number];
        const request = { source, subject, sections, layers, span, format };
        made = await ctx.engine().exportStates(request, { signal, report });
        const { name, shape, label, samples, blob } = made;
        return { name, shape, label, samples, bytes: blob.size };
      }, draftReady);
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done' ? made : null;
    },
    cancelExport: () => file.cancel(),
  };
  return actions;
}
