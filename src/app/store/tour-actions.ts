import type { Context } from './context';
import type { EngineActions } from './engine-actions';
import type { LatentActions } from './latent-actions';
import type { LensActions } from './lens-actions';
import { initialDraft } from './lens-draft';
import type { PanelName } from './link';
import type { RunActions } from './run-actions';
import { initialTour, type Tour, type TourStep } from './state';
import { type Failure, failureOf } from './task';

export interface TourActions {
  /** The first run: device, pair, spectra, the first preset, a held-out question. */
  startTour(): Promise<void>;
  cancelTour(): void;
  setFollow(follow: boolean): void;
}

/** Samples of figure 6 in the first run. */
const TOUR_SAMPLES = 16;

const PLACES: Readonly<Record<TourStep, PanelName>> = {
  device: 'model',
  pair: 'model',
  spectra: 'lowrank',
  distil: 'distil',
  latents: 'latents',
};

export function tourActions(
  ctx: Context,
  engine: EngineActions,
  lens: LensActions,
  run: RunActions,
  latents: LatentActions,
): TourActions {
  let cancel = new AbortController();
  const tour = (change: Partial<Tour>) => ctx.set({ tour: { ...ctx.get().tour, ...change } });

  const steps: readonly { readonly step: TourStep; go(): Promise<boolean>; error(): Failure | null }[] = [
    {
      step: 'device',
      go: async () => ctx.get().device.status === 'ready' || engine.openDevice(),
      error: () => errorOf(ctx.get().device),
    },
    {
      step: 'pair',
      go: async () => ctx.get().pair.status === 'ready' || engine.loadPair(),
      error: () => errorOf(ctx.get().pair),
    },
    {
      step: 'spectra',
      go() {
        lens.showView('spectra');
        return lens.runLens(initialDraft(TOUR_SAMPLES));
      },
      error: () => errorOf(ctx.get().lens.report),
    },
    {
      step: 'distil',
      async go() {
        const [first] = ctx.get().presets;
        if (!first) return false;
        run.choosePreset(first.id);
        return run.startRun(first.config);
      },
      error: () => ctx.get().run.error,
    },
    {
      step: 'latents',
      async go() {
        if (ctx.get().latents.problems.status !== 'ready' && !(await latents.loadProblems())) return false;
        const problem = ctx.get().latents.problems.value?.[0];
        if (!problem) return false;
        latents.pickProblem(problem);
        if (!(await latents.openQuestion())) return false;
        return (await latents.stepAll(cancel.signal)) && latents.explicit();
      },
      error: () => {
        const { problems, session, answer, explicit, error } = ctx.get().latents;
        return error ?? errorOf(problems) ?? errorOf(session) ?? errorOf(answer) ?? errorOf(explicit);
      },
    },
  ];

  return {
    async startTour() {
      if (ctx.get().tour.status === 'running') return;
      cancel = new AbortController();
      const { signal } = cancel;
      ctx.set({ tour: { ...initialTour, status: 'running' } });
      for (const { step, go, error } of steps) {
        tour({ step });
        if (ctx.get().tour.follow) ctx.set({ link: { ...ctx.get().link, panel: PLACES[step] } });
        let failure: Failure | null = null;
        const went = await go().catch((thrown: unknown) => {
          failure = failureOf(thrown);
          return false;
        });
        if (signal.aborted) return;
        if (!went) return tour({ status: 'failed', error: failure ?? error() });
        tour({ done: [...ctx.get().tour.done, step] });
      }
      tour({ status: 'done', step: null });
    },
    cancelTour() {
      cancel.abort();
      engine.cancelPair();
      lens.cancelLens();
      run.cancelRun();
      if (ctx.get().tour.status === 'running') tour({ status: 'cancelled' });
    },
    setFollow: (follow) => tour({ follow }),
  };
}

const errorOf = (task: { readonly status: string; readonly error?: Failure }): Failure | null =>
  task.status === 'failed' ? (task.error ?? null) : null;
