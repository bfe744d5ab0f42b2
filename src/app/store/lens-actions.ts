import type { NamedFile } from '../../contract/lens';
import {
  type CausalDraft,
  causalErrors,
  causalRequestOf,
  mergePoints,
  mergeReports,
  sameTest,
} from './causal-draft';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { editLens, type LensEdit } from './lens';
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
  /** Measures at the ranks of the form, or at these alone; points of the same test are kept. */
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
        ctx.lens({ report: ready(report) });
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
      const { causalDraft } = now();
      const { layers, hidden } = boundsOf(ctx.get(), causalDraft.subject);
      if (layers === null || hidden === null) {
        const what = `nothing is known of the ${causalDraft.subject}`;
        const error = Object.assign(new Error(what), {
          code: 'input',
          hint: 'Open it first, or choose another model.',
        });
        ctx.lens({ causal: failed(before, failureOf(error)) });
        return false;
      }
      if (causalErrors(causalDraft, { layers, hidden }).size > 0) return stop();
      const asked = causalRequestOf(causalDraft, { layers, hidden });
      const request = ranks ? { ...asked, ranks } : asked;
      // Points of another test have no place in this one's chart.
      const old = before.value && sameTest(before.value.request, request) ? before.value : null;
      ctx.lens({ causal: busy(old === null ? idle : ready(old)) });
      try {
        const report = await ctx.engine().causal(request, {
          signal,
          report(event) {
            if ('kind' in event) ctx.lens({ points: mergePoints(now().points, [event.point]) });
            else ctx.lens({ causal: busy(now().causal, event) });
          },
        });
        ctx.lens({ causal: ready(mergeReports(old, report)), points: [] });
        return true;
      } catch (thrown) {
        const error = failureOf(thrown);
        // What was measured before it broke off stays in sight.
        ctx.lens({ causal: isCancelled(error) ? settled(now().causal) : failed(now().causal, error) });
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
        ctx.lens({ opened: ready(model) });
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
