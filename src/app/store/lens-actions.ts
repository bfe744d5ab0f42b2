import type { CausalRequest, NamedFile } from '../../contract/lens';
import {
  type CausalDraft,
  causalErrors,
  causalRequestOf,
  mergePoints,
  mergeReports,
  sameTest,
  withPoints,
} from './causal-draft';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { editLens, type LensEdit, outlived } from './lens';
import { draftErrors, initialDraft, type LensDraft, requestOf } from './lens-draft';
import { type LensView, lensLink } from './lens-link';
import { boundsOf, draftBoundsOf } from './lens-subjects';
import { busy, failed, failureOf, idle, isCancelled, ready, settled } from './task';

export interface LensActions {
  showView(view: LensView): void;
  changeLens(change: Partial<LensDraft>): void;
  undoLens(): void;
  redoLens(): void;
  /** Decomposes what the form asks for, after a change to it, if one is given. The last report stays until the new one. */
  runLens(change?: Partial<LensDraft>): Promise<boolean>;
  cancelLens(): void;
  changeCausal(change: Partial<CausalDraft>): void;
  /**
   * Runs the test of the form; points of the same test are kept. With ranks, measures the test that is shown at these.
   * A test that is cancelled gives the place back to the one before it.
   */
  runCausal(ranks?: readonly number[]): Promise<boolean>;
  cancelCausal(): void;
  readRank(rank: number): void;
  /** Opens a checkpoint from files and makes it the subject. */
  openCheckpoint(files: readonly NamedFile[]): Promise<boolean>;
  cancelOpening(): void;
  refreshCheckpoints(): Promise<void>;
}

/** Lists the student's checkpoints again. A list that cannot be had leaves the old one. */
export async function refreshCheckpoints(ctx: Context): Promise<void> {
  try {
    ctx.lens({ checkpoints: await ctx.engine().checkpoints() });
  } catch {
    // The run or the engine says itself what is wrong.
  }
}

export function lensActions(ctx: Context, engine: EngineActions): LensActions {
  let lensCancel = new AbortController();
  let causalCancel = new AbortController();
  let openCancel = new AbortController();
  const now = () => ctx.get().lens;

  const address = () => {
    const { draft, view } = now();
    ctx.set({ link: { ...ctx.get().link, lens: lensLink(draft, view, initialDraft()) } });
  };
  const edit = (action: LensEdit) => {
    ctx.set({ lens: editLens(now(), action) });
    address();
  };
  const loaded = async () => ctx.get().pair.status === 'ready' || (await engine.loadPair());
  /** An opened checkpoint and typed texts need no pair. */
  const opened = async () => ctx.get().device.status === 'ready' || (await engine.openDevice());
  const needsPair = ({ source, subject, overlay }: LensDraft) =>
    source !== 'texts' || subject !== 'opened' || (overlay !== null && overlay !== 'opened');

  /** The causal test of the form; `null` where the form says what is wrong itself. */
  const asked = (ranks?: readonly number[]): CausalRequest | Error | null => {
    const { causalDraft } = now();
    const { layers, hidden } = boundsOf(ctx.get(), causalDraft.subject);
    if (layers === null || hidden === null)
      return Object.assign(new Error(`nothing is known of the ${causalDraft.subject}`), {
        code: 'input',
        hint: 'Open it first, or choose another model.',
      });
    if (causalErrors(causalDraft, { layers, hidden }).size > 0) return null;
    const request = causalRequestOf(causalDraft, { layers, hidden });
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
      if (now().report.status === 'busy') return false;
      if (change) edit({ type: 'change', change });
      lensCancel = new AbortController();
      const { signal } = lensCancel;
      ctx.lens({ report: busy(now().report) });
      if (!(await (needsPair(now().draft) ? loaded() : opened())) || signal.aborted) {
        ctx.lens({ report: settled(now().report) });
        return false;
      }
      const { draft } = now();
      const bounds = draftBoundsOf(ctx.get(), draft);
      if (draftErrors(draft, bounds).size > 0) {
        ctx.lens({ report: settled(now().report) });
        return false;
      }
      try {
        const report = await ctx.engine().lens(requestOf(draft, bounds), {
          signal,
          report: (progress) => ctx.lens({ report: busy(now().report, progress) }),
        });
        ctx.lens({ report: ready(report), outlived: { ...now().outlived, report: false } });
        return true;
      } catch (thrown) {
        const error = failureOf(thrown);
        ctx.lens({ report: isCancelled(error) ? settled(now().report) : failed(now().report, error) });
        noteLoss(ctx, thrown);
        return false;
      }
    },
    cancelLens: () => lensCancel.abort(),
    changeCausal(change) {
      ctx.lens({ causalDraft: { ...now().causalDraft, ...change } });
    },
    async runCausal(ranks) {
      if (now().causal.status === 'busy') return false;
      causalCancel = new AbortController();
      const { signal } = causalCancel;
      const before = now().causal;
      ctx.lens({ causal: busy(before), points: [] });
      const stop = () => {
        ctx.lens({ causal: settled(now().causal) });
        return false;
      };
      if (!(await loaded()) || signal.aborted) return stop();
      const current = now().outlived.causal ? null : before.value;
      const request = ranks && current ? { ...current.request, ranks } : asked(ranks);
      if (request === null) return stop();
      if (request instanceof Error) {
        ctx.lens({ causal: failed(before, failureOf(request)) });
        return false;
      }
      // Points of another test, or of another student, have no place in this one's chart.
      const old = current && sameTest(current.request, request) ? current : null;
      ctx.lens({ causal: busy(old === null ? idle : ready(old)) });
      try {
        const report = await ctx.engine().causal(request, {
          signal,
          report(event) {
            if ('kind' in event) ctx.lens({ points: mergePoints(now().points, [event.point]) });
            else ctx.lens({ causal: busy(now().causal, event) });
          },
        });
        const causal = ready(mergeReports(old, report));
        ctx.lens({ causal, points: [], outlived: { ...now().outlived, causal: false } });
        return true;
      } catch (thrown) {
        const error = failureOf(thrown);
        const { points } = now();
        const cancelled = isCancelled(error);
        // What was measured before it broke off stays in sight; a cancelled test leaves what there was before.
        const kept =
          old !== null
            ? ready(withPoints(old, points))
            : points.length === 0 || (cancelled && before.value !== null)
              ? before
              : idle;
        ctx.lens({
          causal: cancelled ? settled(kept) : failed(kept, error),
          ...(kept.value !== null && { points: [] }),
        });
        noteLoss(ctx, thrown);
        return false;
      }
    },
    cancelCausal: () => causalCancel.abort(),
    readRank: (rank) => ctx.lens({ rank }),
    async openCheckpoint(files) {
      if (now().opened.status === 'busy') return false;
      openCancel = new AbortController();
      const { signal } = openCancel;
      const before = now().opened;
      ctx.lens({ opened: busy(before) });
      if (!(await opened()) || signal.aborted) {
        ctx.lens({ opened: settled(before) });
        return false;
      }
      try {
        const model = await ctx.engine().openCheckpoint(files, {
          signal,
          report: (progress) => ctx.lens({ opened: busy(now().opened, progress) }),
        });
        ctx.lens({ opened: ready(model), ...outlived(now(), ({ kind }) => kind === 'opened') });
        edit({ type: 'change', change: { subject: 'opened' } });
        return true;
      } catch (thrown) {
        const error = failureOf(thrown);
        ctx.lens({ opened: isCancelled(error) ? settled(before) : failed(before, error) });
        noteLoss(ctx, thrown);
        return false;
      }
    },
    cancelOpening: () => openCancel.abort(),
    refreshCheckpoints: () => refreshCheckpoints(ctx),
  };
  return actions;
}
