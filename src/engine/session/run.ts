import type { CallOptions } from '../../contract/calls';
import type { RunConfig } from '../../contract/config';
import type { Accuracy, LossTerms, Progress, RunEvent, RunResult } from '../../contract/events';
import { CancelledError, ConfigError, throwIfCancelled } from '../base/errors';
import { Rng } from '../base/rng';
import { batchIndices, layoutOf, tokenBatch } from '../data/batch';
import type { Decoder } from '../decode/decoder';
import { accuracy } from '../eval/accuracy';
import { initialLora } from '../nn/lora';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { type LoopControl, train } from '../train/loop';
import { hostOptimiser } from '../train/optimiser';
import { type StepSpec, stepFeeds, type TrainStep } from '../train/step';
import { compileWholeStep } from '../train/whole-step';
import { RECIPES } from './methods';
import type { Pair } from './pair';
import type { Example, ProblemSet } from './problems';
import { answerLimit, decoderFor, filterOf, latentKeys, loraOf, type Student } from './student';
import { teacherStates } from './teacher-states';

/** Problems decoded at once when accuracy is measured. */
const EVALUATION_BATCH = 50;

/** Everything a run reads; nothing of it is changed. */
export interface RunContext {
  readonly runtime: Runtime;
  readonly pair: Pair;
  readonly problems: ProblemSet;
  /** Accuracy of the teacher's explicit chain of thought on the first `count` held-out problems. */
  teacherAccuracy(count: number, options: CallOptions): Promise<Accuracy>;
}

/**
 * One run, from the teacher's states to the held-out figure. The student is handed over when it is done or stopped, and
 * also when it fails, so that nothing is lost; a cancelled run leaves nothing behind.
 */
export async function runDistillation(
  context: RunContext,
  config: RunConfig,
  control: LoopControl,
  keep: (student: Student) => void,
  options: CallOptions<RunEvent>,
): Promise<RunResult> {
  const { runtime, pair, problems } = context;
  const { signal } = options;
  const emit = (event: RunEvent): void => options.report?.(event);
  const clock = phases(emit);
  const recipe = RECIPES[config.method];
  const latentSteps = recipe.latentSteps(config);
  const model = pair.base.config;

  const training = problems.sample(config.seed, config.data.samples);
  const validation = problems.take('validation', 0, config.data.validation);
  const heldOut = problems.take('held-out', 0, config.data.heldOut);
  const layout = layoutOf(
    [...training, ...validation, ...heldOut].map((e) => e.tokens),
    pair.codec,
    Math.min(config.optimiser.batch, training.length),
  );
  const seconds = { teacher: 0, compile: 0, train: 0, evaluate: 0 };

  clock.begin('teacher');
  const states = recipe.usesTeacher
    ? await teacherStates(runtime, pair, training, layout, {
        signal,
        onProgress: (done, total) => clock.tell(done, total, 'samples'),
      })
    : [];
  clock.begin('factors');
  clock.tell(0, training.length, 'samples');
  const stateLosses = recipe.stateLosses(config, model, states);
  seconds.teacher = clock.seconds();
  throwIfCancelled(signal, 'the run');

  clock.begin('compile');
  clock.tell(0, 2, 'programs');
  const spec: StepSpec = {
    config: model,
    lora: loraOf(config),
    layout,
    latentSteps,
    filter: filterOf(config),
    explicit: config.weights.explicit > 0,
    answerWeight: config.weights.answer,
    explicitWeight: config.weights.explicit,
    stateLosses,
  };
  const packs = initialLora(model, spec.lora, new Rng(config.seed)).map((data, i) =>
    runtime.upload({ dtype: 'f32', shape: [data.length], data }, `lora.${i}`),
  );
  const student: Student = {
    label: `${config.method}, ${config.data.samples} samples, seed ${config.seed}`,
    latentSteps,
    filter: spec.filter,
    lora: spec.lora,
    packs,
  };
  let step: TrainStep | undefined;
  let decoder: Decoder | undefined;
  try {
    step = await compileWholeStep(runtime, spec, pair.base.weights);
    clock.tell(1, 2, 'programs');
    decoder = await decoderFor(runtime, pair.base, {
      batch: Math.max(1, Math.min(EVALUATION_BATCH, Math.max(validation.length, heldOut.length))),
      question: layout.question,
      keys: latentKeys(layout, latentSteps),
      lora: spec.lora,
      filter: spec.filter,
    });
    decoder.setAdapter(packs);
  } catch (error) {
    step?.dispose();
    for (const pack of packs) pack.dispose();
    throw error;
  }
  clock.tell(2, 2, 'programs');
  seconds.compile = clock.seconds();

  const measure = async (
    set: 'validation' | 'held-out',
    examples: readonly Example[],
    at: number,
  ): Promise<Accuracy> => {
    clock.begin('evaluate');
    const start = performance.now();
    const share = await accuracy({
      decoder: decoder as Decoder,
      codec: pair.codec,
      tokenizer: pair.tokenizer,
      endIds: pair.base.endIds,
      problems: examples.map((e) => ({ tokens: e.tokens, answer: e.problem.answer })),
      mode: { latentSteps },
      limit: answerLimit(layout),
      signal,
      onProgress: (done, total) => clock.tell(done, total, 'problems'),
    });
    const milliseconds = performance.now() - start;
    seconds.evaluate += milliseconds / 1000;
    emit({ kind: 'evaluation', step: at, set, accuracy: share, milliseconds });
    return share;
  };

  const indices = batchIndices(new Rng(config.seed).fork('batches'), training.length, layout.batch);
  const { optimiser: o } = config;
  const optimiser = hostOptimiser(packs, o);
  const best = config.evaluation.keepBest ? new BestAdapter(packs) : undefined;
  clock.begin('train');
  const start = performance.now();
  let done = 0;
  try {
    done = await train({
      step,
      parameters: packs,
      optimiser,
      steps: o.steps,
      learningRate: o.learningRate,
      warmup: o.warmup,
      batch: (t) => {
        const samples = indices(t);
        const batch = tokenBatch(
          samples.map((i) => (training[i] as Example).tokens),
          pair.codec,
          layout,
        );
        return stepFeeds(spec, batch, samples);
      },
      onStep: (event) => {
        const { losses, ...rest } = event;
        emit({ kind: 'step', steps: o.steps, losses: losses as LossTerms, ...rest });
      },
      every: validation.length > 0 ? config.evaluation.every : 0,
      onEvaluate: async (at) => {
        const share = await measure('validation', validation, at);
        await best?.offer(share.correct);
        clock.begin('train');
      },
      control,
      signal,
    });
    seconds.train = (performance.now() - start) / 1000 - seconds.evaluate;
    await best?.restore();
    const share = heldOut.length > 0 ? await measure('held-out', heldOut, done) : null;
    const teacher =
      heldOut.length > 0
        ? await context.teacherAccuracy(heldOut.length, {
            signal,
            report: (p) => emit({ kind: 'progress', progress: p }),
          })
        : null;
    keep(student);
    return {
      config,
      status: done < o.steps ? 'stopped' : 'done',
      steps: done,
      heldOut: share,
      teacher,
      seconds,
      programs: runtime.programCount,
      trainable: packs.reduce((n, pack) => n + pack.shape.reduce((m, d) => m * d, 1), 0),
      provider: runtime.provider,
      models: pair.hashes,
    };
  } catch (error) {
    if (error instanceof CancelledError) for (const pack of packs) pack.dispose();
    else {
      await best?.restore();
      keep(student);
    }
    throw error;
  } finally {
    optimiser.dispose();
    step.dispose();
    decoder.dispose();
  }
}

/** Keeps the packs of the best validation accuracy; among equals the latest. */
class BestAdapter {
  private correct = -1;
  private copy: Awaited<ReturnType<DeviceTensor['read']>>[] = [];

  constructor(private readonly packs: readonly DeviceTensor[]) {}

  async offer(correct: number): Promise<void> {
    if (correct < this.correct) return;
    this.correct = correct;
    this.copy = await Promise.all(this.packs.map((pack) => pack.read()));
  }

  async restore(): Promise<void> {
    this.copy.forEach((data, i) => {
      (this.packs[i] as DeviceTensor).write(data);
    });
  }
}

/** Progress events of one phase after another, with the time since the phase began. */
function phases(emit: (event: RunEvent) => void) {
  let phase: Progress['phase'] = 'teacher';
  let start = performance.now();
  const began = new Map<string, number>();
  return {
    begin(next: Progress['phase']): void {
      if (phase !== next) start = performance.now();
      phase = next;
      began.set(next, start);
    },
    tell(done: number, total: number, unit: Progress['unit']): void {
      emit({ kind: 'progress', progress: { phase, done, total, unit, elapsed: performance.now() - start } });
    },
    /** Seconds since the first phase, or since the last call. */
    seconds(): number {
      const first = Math.min(...began.values());
      began.clear();
      began.set(phase, performance.now());
      return (performance.now() - first) / 1000;
    },
  };
}

/** Refused before anything is computed. @throws ConfigError */
export function checkRun(config: RunConfig, pair: Pair): void {
  const { layers, hiddenSize } = pair.base.config;
  const refuse = (what: string, limit: string): never => {
    throw new ConfigError(`${what}; ${limit}`, 'Change the value in the run’s settings.');
  };
  if (config.method !== 'lori') return;
  if (config.factors.layerRank > layers)
    refuse(`r_L is ${config.factors.layerRank}`, `this model has ${layers} layers`);
  if (config.factors.hiddenRank > hiddenSize)
    refuse(`r_H is ${config.factors.hiddenRank}`, `this model's hidden size is ${hiddenSize}`);
  if (config.factors.anchor.hiddenRank > hiddenSize)
    refuse(
      `r_H of the anchor is ${config.factors.anchor.hiddenRank}`,
      `this model's hidden size is ${hiddenSize}`,
    );
  const rank = config.factors.layerRank * config.factors.hiddenRank;
  if (rank > 512) refuse(`r_L · r_H is ${rank}`, 'at most 512 is supported');
}
