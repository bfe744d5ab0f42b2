import type { Context } from './context';
import type { EngineActions } from './engine-actions';
import type { LatentActions } from './latent-actions';
import type { LensActions } from './lens-actions';
import { initialDraft } from './lens-draft';
import type { RunActions } from './run-actions';
import type { Tour, TourStep } from './state';
import type { Failure, Task } from './task';

export interface TourActions {
  /** The guided run: device, pair, spectra, the first preset, a held-out question. */
  startTour(): Promise<void>;
  cancelTour(): void;
}

/** Number of samples for figure 6 in the guided run. */
const TOUR_SAMPLES = 16;

interface Step {
  readonly step: TourStep;
  go(): Promise<boolean>;
  /** Why it failed, if it did. */
  error(): Failure | null;
}

export function tourActions(
  ctx: Context,
  engine: EngineActions,
  lens: LensActions,
  run: RunActions,
  latents: LatentActions,
): TourActions {
  const task = ctx.task<true>({
    get: () => ctx.get().tour.task,
    set: (next) => tour({ task: next }),
  });
  const tour = (change: Partial<Tour>) => ctx.set({ tour: { ...ctx.get().tour, ...change } });

  const steps = (signal: AbortSignal): readonly Step[] => [
    {
      step: 'device',
      go: engine.deviceReady,
      error: () => errorOf(ctx.get().device),
    },
    {
      step: 'pair',
      go: engine.pairReady,
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
      error: () => errorOf(ctx.get().run.task),
    },
    {
      step: 'latents',
      async go() {
        if (ctx.get().latents.problems.status !== 'done' && !(await latents.loadProblems())) return false;
        const problem = ctx.get().latents.problems.value?.[0];
        if (!problem) return false;
        latents.pickProblem(problem);
        if (!(await latents.openQuestion())) return false;
        return (await latents.stepAll(signal)) && latents.explicit();
      },
      error: () => {
        const { problems, session, thought, answer, explicit } = ctx.get().latents;
        for (const one of [problems, session, thought, answer, explicit]) {
          const error = errorOf(one as Task<unknown>);
          if (error) return error;
        }
        return null;
      },
    },
  ];

  return {
    async startTour() {
      await task.start(async ({ signal }) => {
        tour({ step: null, done: [] });
        for (const { step, go, error } of steps(signal)) {
          tour({ step });
          const went = await go();
          const failure = went ? null : error();
          signal.throwIfAborted();
          if (failure) throw Object.assign(new Error(failure.message), failure);
          // One of its steps was cancelled on its own, so the rest is cancelled too.
          if (!went) throw new DOMException('a step was cancelled', 'AbortError');
          tour({ done: [...ctx.get().tour.done, step] });
        }
        tour({ step: null });
        return true;
      });
    },
    cancelTour() {
      task.cancel();
      engine.cancelDevice();
      engine.cancelPair();
      lens.cancelLens();
      run.cancelRun();
      latents.cancelLatents();
    },
  };
}

const errorOf = (task: Task<unknown>): Failure | null => (task.status === 'failed' ? task.error : null);
