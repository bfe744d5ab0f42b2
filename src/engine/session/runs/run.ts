import type { RunOptions } from '../../../contract/calls';
import type { RunConfig } from '../../../contract/config';
import type { Accuracy, RunEvent, RunResult } from '../../../contract/events';
import type { DataUsed } from '../../../contract/roles';
import type { TeacherReading } from '../../../contract/run-cost';
import { CancelledError, NumericError, throwIfCancelled } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import type { Recipe } from '../../recipes/shared/recipe';
import { train } from '../../train/loop';
import { storagesOf } from '../models/roles';
import { batchesOf } from './batches';
import { PhaseClock } from './clock';
import type { RunContext, RunSink } from './context';
import type { LoopControl } from './control';
import type { Curriculum } from './curriculum';
import { Measured } from './measured';
import { Observer } from './observe';
import { estimatedSeconds, type RunPlan, rationaleRead } from './plan';
import { type Machinery, prepare } from './prepare';
import { checkSame, packerFor } from './resume';
import type { RunData } from './run-data';
import { RunPace, RunTimes } from './run-pace';
import type { OpenedSnapshot } from './snapshot-file';
import { SnapshotWriter } from './snapshot-writer';
import { reportOf } from './student';

/**
 * One run, from the teacher's hidden states to the held-out accuracy. The student is handed over when the run is done or
 * stopped, and also when it fails, so that nothing is lost; a cancelled run leaves nothing behind.
 * @param from where a resumed run continues: the same bits follow as if it had never ended
 */
export const runDistillation = (
  context: RunContext,
  config: RunConfig,
  control: LoopControl,
  sink: RunSink,
  options: RunOptions,
  from?: OpenedSnapshot,
): Promise<RunResult> => new Distillation(context, config, control, sink, options, from).run();

/** One run in progress. */
class Distillation {
  readonly clock: PhaseClock;
  private used: DataUsed | undefined;
  private snapshots: SnapshotWriter | undefined;
  private times: RunTimes | undefined;
  /** Number of samples that the teacher reads, counting repeats. */
  private samplesRead = 0;
  private readonly report: (event: RunEvent) => void;

  constructor(
    private readonly context: RunContext,
    private readonly config: RunConfig,
    private readonly control: LoopControl,
    private readonly sink: RunSink,
    private readonly options: RunOptions,
    private readonly from?: OpenedSnapshot,
  ) {
    this.report = (event) => {
      this.snapshots?.note(event);
      if (event.kind === 'step') this.times?.took('step', 1, event.milliseconds);
      if (event.kind === 'evaluation') this.times?.took('problem', event.accuracy.total, event.milliseconds);
      if (event.kind === 'spectrum') this.times?.took('look', 1, event.milliseconds);
      options.report?.(event);
    };
    this.clock = new PhaseClock(this.report, from?.header.seconds);
  }

  /** Serves other calls, waits while the run is paused, and rejects once it is cancelled. */
  readonly between = async (): Promise<void> => {
    const { signal } = this.options;
    throwIfCancelled(signal, 'the run');
    await this.control.pass(this.context.queuedCalls);
    throwIfCancelled(signal, 'the run');
  };

  async run(): Promise<RunResult> {
    const { context, config, clock, between } = this;
    this.report({ kind: 'state', state: 'running' });
    this.control.onState = (state) => this.report({ kind: 'state', state });
    const recipe = context.recipes[config.method] as Recipe;
    const { signal } = this.options;
    const data = await context.data({
      ...{ rationale: rationaleRead(config, recipe), signal },
    });
    this.used = data.used;
    const { from } = this;
    if (from) {
      await checkSame(from.header, context, data);
      const { step, provider } = from.header;
      this.report({ kind: 'resumed', step, steps: config.optimiser.steps, series: from.series, provider });
    }
    this.report({ kind: 'data', data: data.used });
    // For a resumed run, the time from before.
    const before = clock.seconds('teacher');
    const machinery = await prepare(context, config, recipe, data, {
      ...{ clock, between, signal, from },
      onPlan: (plan, reading, decoded) => this.expect(recipe, plan, reading, decoded),
    });
    this.times?.took('teacher', this.samplesRead, 1000 * (clock.seconds('teacher') - before));
    try {
      return await this.distil(machinery, data);
    } finally {
      this.times?.end();
      await machinery.dispose();
    }
  }

  /** Reports the expected times of the run. */
  private expect(recipe: Recipe, plan: RunPlan, reading: TeacherReading | null, decoded: TokenLayout): void {
    const { config, context } = this;
    const { runtime, roles, pace = new RunPace() } = context;
    const estimated = estimatedSeconds(config, recipe, roles, { runtime, plan, decoded });
    this.samplesRead = plan.trained.length * (reading?.readings ?? 0);
    this.times = new RunTimes(pace, config.method, runtime.provider, estimated);
    this.report({ kind: 'expected', milliseconds: this.times.expected(this.samplesRead) });
  }

  private async distil(machinery: Machinery, data: RunData): Promise<RunResult> {
    const { context, clock } = this;
    const { adapter } = machinery;
    const { control, options } = this;
    const { signal } = options;
    const measured = new Measured({ ...{ context, clock, machinery, data, signal }, report: this.report });
    let done = this.from?.header.step ?? 0;
    if (options.keep) {
      const { optimiser, keeping } = this.config;
      this.snapshots = new SnapshotWriter({
        ...{ every: keeping.every, steps: optimiser.steps, keep: options.keep, emit: this.report },
        ...{ series: this.from?.series, from: this.from?.header.step },
        pack: await packerFor({ context, config: this.config, machinery, data, clock }),
      });
      control.beforePause = () => clock.aside(async () => this.snapshots?.now(done, 'training'));
    }
    try {
      done = await this.train(machinery, data, measured, (step) => {
        done = step;
      });
      const isWhole = done >= this.config.optimiser.steps;
      await clock.aside(async () => this.snapshots?.now(done, isWhole ? 'training' : 'stopped'));
      await adapter.settle(done);
      const { heldOut } = data;
      const share = heldOut.length > 0 && done > 0 ? await measured.on('held-out', done) : null;
      const explicit = share && this.config.evaluation.explicit ? await this.written(measured) : undefined;
      await clock.aside(async () => context.queuedCalls?.serve());
      const teacher = share ? await measured.teacher() : null;
      // A run stopped before its first step has no student, and replaces none.
      if (done > 0) this.handOver(machinery);
      if (isWhole) await clock.aside(async () => this.snapshots?.now(done, 'done'));
      return { ...this.result(machinery, done), heldOut: share, ...(explicit && { explicit }), teacher };
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      throw await this.afterFailure(machinery, done, error);
    }
  }

  /** The accuracy with written rationales, timed. */
  private async written(measured: Measured): Promise<Accuracy | undefined> {
    const start = performance.now();
    const share = await measured.explicit();
    if (share) this.times?.took('written', share.total, performance.now() - start);
    return share;
  }

  /**
   * Keeps what can be kept. A run that diverged goes back to its last copy, whose values were finite; after any other
   * failure the current parameters are good, unless they were lost with the GPU. Without a copy the previous student stays.
   */
  private async afterFailure(machinery: Machinery, done: number, error: unknown): Promise<unknown> {
    const { adapter } = machinery;
    const diverged = error instanceof NumericError;
    // What was lost with the GPU cannot be read: the last snapshot stays.
    if (!diverged) await this.snapshots?.now(done, 'training').catch(() => undefined);
    if (!diverged) await adapter.settle(done).catch(() => undefined);
    const { copiedStep: step } = adapter;
    if (step > 0) this.handOver(machinery);
    if (!diverged) return error;
    const kept =
      step > 0
        ? `the student was reset to step ${step}`
        : 'it had no earlier step to return to, and the previous student stays';
    return new NumericError(`${error.message}; ${kept}`, error.hint, { cause: error });
  }

  private handOver({ adapter }: Machinery): void {
    const student = { ...adapter.student, step: adapter.copiedStep };
    this.sink.student(student);
    this.report({ kind: 'student', student: reportOf(student, this.context.methods) });
  }

  private async train(
    machinery: Machinery,
    { training, validation }: RunData,
    measured: Measured,
    onDone: (step: number) => void,
  ): Promise<number> {
    const { context, config, clock, control } = this;
    const { curriculum, adapter, decoder } = machinery;
    const recipe = context.recipes[config.method] as Recipe;
    const { codec } = context.roles;
    const { signal } = this.options;
    const { optimiser: o } = config;
    const observer = new Observer({
      ...{ adapter, decoder, training, signal },
      config: config.observation,
      device: context.device,
      padId: codec.padId,
      keep: (checkpoint) => this.sink.checkpoint(checkpoint),
      emit: this.report,
      seen: this.from?.series.spectra.at(-1)?.step,
    });
    const { from } = this;
    let evaluated = from?.series.accuracy.findLast(({ set }) => set === 'validation')?.step ?? 0;
    const evaluate = async (at: number): Promise<void> => {
      const { correct } = await measured.on('validation', at);
      await adapter.offer(at, correct);
      evaluated = at;
    };
    const every = validation.length > 0 ? config.evaluation.every : 0;
    this.tellStage(curriculum);
    clock.begin('train');
    const done = await train({
      ...{ step: curriculum.step, optimiser: curriculum.optimiser, control, signal },
      ...(from && { from: from.header.step }),
      parameters: adapter.packs,
      steps: o.steps,
      learningRate: o.learningRate,
      warmup: o.warmup,
      schedule: o.schedule,
      ...(recipe.optimised && { span: () => curriculum.span(o.steps) }),
      batch: batchesOf({ machinery, recipe, config, codec, emit: this.report }),
      onStep: (event) => {
        if (event.finite) onDone(event.step);
        const { losses: terms, finite: _, ...rest } = event;
        this.report({ kind: 'step', steps: o.steps, losses: terms, ...rest });
      },
      every,
      onEvaluate: async (at) => {
        await evaluate(at);
        clock.begin('train');
      },
      between: async (at) => {
        const isResumed = at === from?.header.step;
        // What a run is resumed from was written before the stage that begins there was entered.
        const isEntering = curriculum.isEntering(at) || (isResumed && at > 0 && curriculum.begins(at));
        // The effect of a stage is measured before the next one begins.
        if (isEntering && every > 0 && evaluated !== at) await evaluate(at);
        await clock.aside(async () => {
          // For a resumed run, this observation is already in the series.
          if (!isResumed) await observer.at(at);
          await this.snapshots?.at(at);
          await this.between();
        });
        // The student of a run that stops here is one of the stage that ends here.
        if (control.stopped) return;
        if (isEntering) clock.begin('compile');
        await curriculum.enter(at);
        if (!isEntering) return;
        adapter.enters(curriculum.reasoning);
        if (!isResumed) this.tellStage(curriculum);
        clock.begin('train');
      },
    });
    await clock.aside(() => observer.end(done));
    return done;
  }

  private tellStage({ current: { index, of, name, from } }: Curriculum): void {
    if (of > 1) this.report({ kind: 'stage', stage: index + 1, of, name, step: from + 1 });
  }

  private result({ curriculum: { step }, adapter, ranksUsed, parameters }: Machinery, done: number) {
    const { config, clock, context } = this;
    return {
      config,
      student:
        done > 0 ? reportOf({ ...adapter.student, step: adapter.copiedStep }, context.methods) : undefined,
      ...(adapter.student.reasoning.explicit && { isWritten: true }),
      status: done < config.optimiser.steps ? ('stopped' as const) : ('done' as const),
      steps: done,
      seconds: clock.soFar(),
      programs: step.programs,
      trainable: parameters.size,
      ranksUsed,
      provider: context.runtime.provider,
      models: context.roles.hashes,
      storages: storagesOf(context.roles),
      ...(this.used && { data: this.used }),
    };
  }
}
