import { NumericError, throwIfCancelled } from '../base/errors';
import { yieldToEventLoop } from '../base/yield-to-event-loop';
import type { DeviceTensor } from '../runtime/tensor';
import type { Optimiser } from './optimiser';
import type { TapeOutput, TapeRun } from './step';

export type Schedule = 'cosine' | 'constant';

/**
 * Linear warm-up, then cosine to zero: lr(t) = lr·min(1, (t+1)/w)·½(1 + cos(π·max(0, t−w)/(T−w))), t from 0, T steps,
 * w = round(warmup·T); or constant after the warm-up.
 */
export function learningRate(
  step: number,
  steps: number,
  peak: number,
  warmup: number,
  schedule: Schedule = 'cosine',
): number {
  const w = Math.round(warmup * steps);
  const rise = w > 0 ? Math.min(1, (step + 1) / w) : 1;
  if (schedule === 'constant') return peak * rise;
  const progress = Math.max(0, step - w) / Math.max(1, steps - w);
  return peak * rise * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Steps [from, from + steps) of a loop, which have a warm-up and a decay of their own. */
export interface ScheduleSpan {
  readonly from: number;
  readonly steps: number;
  /** Peak learning rate. */
  readonly learningRate: number;
  /** Share of the span's steps. */
  readonly warmup: number;
}

export interface LoopStep {
  /** From 1. */
  readonly step: number;
  readonly learningRate: number;
  /** Weighted terms by name, and their sum. */
  readonly losses: Readonly<Record<string, number>> & { readonly total: number };
  readonly gradientNorm: number;
  /** Whether losses and gradient are finite; if not, nothing was updated and the loop ends. */
  readonly finite: boolean;
  readonly milliseconds: number;
}

/** @typeParam Batch what a step is fed: inputs by name, or those of several batches */
export interface LoopOptions<Batch> {
  readonly step: Pick<TapeRun, 'terms'> & {
    run(batch: Batch, parameters: readonly DeviceTensor[], step: number): Promise<TapeOutput>;
  };
  readonly parameters: readonly DeviceTensor[];
  readonly optimiser: Optimiser;
  readonly steps: number;
  /** For a resumed run, the number of steps already done; the optimiser then continues from its state after them. */
  readonly from?: number;
  readonly learningRate: number;
  readonly warmup: number;
  /** Default cosine. */
  readonly schedule?: Schedule;
  /** The span of steps that step t, from 0, is in, if each has a schedule of its own; by default all steps are one. */
  readonly span?: (t: number) => ScheduleSpan;
  /** The inputs of step t, from 0. */
  readonly batch: (t: number) => Batch | Promise<Batch>;
  readonly onStep: (step: LoopStep) => void;
  /** Called every `every` steps and after the last one; 0 for never. */
  readonly every: number;
  readonly onEvaluate?: (step: number) => Promise<void>;
  /** Awaited before each step with the number of steps done; it may stop the loop. */
  readonly between?: (done: number) => Promise<void>;
  /** Ends the loop after the current step once `stopped`. */
  readonly control?: { readonly stopped: boolean };
  readonly signal?: AbortSignal;
}

/**
 * The training loop: it knows no method. Between steps it yields, so that messages (pause, stop) get through.
 * @returns the number of steps done, including those of `from`
 * @throws NumericError at the first loss or gradient that is not finite, after `onStep`, before parameters are changed
 * @throws CancelledError when the signal is aborted
 */
export async function train<Batch>(options: LoopOptions<Batch>): Promise<number> {
  const { step, parameters, optimiser, steps, control, signal } = options;
  let done = options.from ?? 0;
  while (done < steps && !control?.stopped) {
    await options.between?.(done);
    if (control?.stopped) break;
    throwIfCancelled(signal, 'training');
    const start = performance.now();
    const span = options.span?.(done) ?? { ...options, from: 0 };
    const rate = learningRate(done - span.from, span.steps, span.learningRate, span.warmup, options.schedule);
    const output = await step.run(await options.batch(done), parameters, done);
    const { norm, finite, terms } = await optimiser.update(
      output.gradients,
      rate,
      output.terms as DeviceTensor,
    );
    const losses = Object.fromEntries(step.terms.map((name, i) => [name, terms[i] as number]));
    const total = terms.reduce((sum, x) => sum + x, 0);
    const bad = terms.findIndex((value) => !Number.isFinite(value));
    options.onStep({
      step: done + 1,
      learningRate: rate,
      losses: { ...losses, total },
      gradientNorm: finite ? norm : Number.NaN,
      finite: finite && bad < 0,
      milliseconds: performance.now() - start,
    });
    if (bad >= 0) throw diverged(`the loss term "${step.terms[bad]}" is ${terms[bad]}`, done + 1);
    if (!finite) throw diverged('the gradient is not finite', done + 1);
    done++;
    if (options.onEvaluate && options.every > 0 && (done % options.every === 0 || done === steps))
      await options.onEvaluate(done);
    await yieldToEventLoop();
  }
  return done;
}

function diverged(what: string, step: number): NumericError {
  return new NumericError(
    `${what} at step ${step}; training was stopped`,
    'Lower the learning rate or the loss weights, clip the gradient harder, or raise the temperature of the latents or Adam’s ε where they are close to 0.',
  );
}
