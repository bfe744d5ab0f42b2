import type { CallOptions } from '../../../contract/calls';
import type { RunConfig } from '../../../contract/config';
import type { Accuracy, RunEvent, RunResult } from '../../../contract/events';
import type { Methods } from '../../../contract/methods/method';
import { nameConfig } from '../../../contract/presets';
import { CancelledError, ConfigError, throwIfCancelled } from '../../base/errors';
import { Owned } from '../../base/owned';
import { Rng } from '../../base/rng';
import { batchIndices, layoutOf, tokenBatch } from '../../data/batch';
import type { Decoder } from '../../decode/decoder';
import type { Device } from '../../device/device';
import { accuracy } from '../../eval/accuracy';
import { initialLora } from '../../nn/lora';
import type { Recipe } from '../../recipes/shared/recipe';
import type { Runtime } from '../../runtime/runtime';
import { compileBlockwiseStep } from '../../train/blockwise/step';
import { gpuOptimiser } from '../../train/gpu-optimiser';
import { type LoopControl, type QueuedCalls, train } from '../../train/loop';
import { hostOptimiser, type Optimiser } from '../../train/optimiser';
import { type StepSpec, stepFeeds, type TrainStep } from '../../train/step';
import { compileWholeStep } from '../../train/whole-step';
import type { DeviceModels } from '../models/device-models';
import type { Pair } from '../models/pair';
import type { Example, ProblemSet } from '../models/problems';
import type { StudentCheckpoint } from '../models/subjects';
import { TrainedAdapter } from './adapter';
import { PhaseClock } from './clock';
import { Observer } from './observe';
import { answerLimit, decoderFor, EVALUATION_BATCH, filterOf, latentKeys, type Student } from './student';
import { teacherStates } from './teacher-states';

/** Everything a run reads; nothing of it is changed. */
export interface RunContext {
  readonly runtime: Runtime;
  /** The loaded models on it. */
  readonly models: DeviceModels;
  /** The runtime's device, on WebGPU. */
  readonly device: Device | undefined;
  readonly pair: Pair;
  readonly problems: ProblemSet;
  /** By method. */
  readonly recipes: Readonly<Record<string, Recipe>>;
  readonly methods: Methods;
  /** Accuracy of the teacher's explicit chain of thought on the first `count` held-out problems. */
  teacherAccuracy(count: number, options: CallOptions): Promise<Accuracy>;
  /** Other calls, served where the run can be interrupted. */
  readonly queuedCalls?: QueuedCalls;
}

/** What a run leaves: the student, and on the way the student as it was. */
export interface RunSink {
  /** @returns the checkpoint's id */
  checkpoint(checkpoint: StudentCheckpoint): number;
  student(student: Student): void;
}

/** What a run computes with; made by `prepare`, freed by `dispose`. */
interface Machinery {
  readonly spec: StepSpec;
  readonly step: TrainStep;
  readonly adapter: TrainedAdapter;
  readonly optimiser: Optimiser;
  readonly decoder: Decoder;
  dispose(): void;
}

/**
 * One run, from the teacher's states to the held-out figure. The student is handed over when it is done or stopped, and
 * also when it fails, so that nothing is lost; a cancelled run leaves nothing behind.
 */
export async function runDistillation(
  context: RunContext,
  config: RunConfig,
  control: LoopControl,
  keep: RunSink,
  options: CallOptions<RunEvent>,
): Promise<RunResult> {
  const { runtime, pair, problems, queuedCalls } = context;
  const { signal } = options;
  const emit = (event: RunEvent): void => options.report?.(event);
  const clock = new PhaseClock(emit);
  const training = problems.sample(config.seed, config.data.samples);
  const validation = problems.take('validation', 0, config.data.validation);
  const heldOut = problems.take('held-out', 0, config.data.heldOut);
  const serve = async (): Promise<void> => queuedCalls?.serve();
  const machinery = await prepare(context, config, training, [...validation, ...heldOut], clock, signal);
  const { spec, step, adapter, optimiser, decoder } = machinery;
  const { student } = adapter;
  const { layout, latentSteps } = spec;

  const measure = async (set: 'validation' | 'held-out', examples: readonly Example[], at: number) => {
    clock.begin('evaluate');
    const start = performance.now();
    const share = await accuracy({
      decoder,
      codec: pair.codec,
      tokenizer: pair.tokenizer,
      endIds: pair.base.endIds,
      problems: examples.map((e) => ({ tokens: e.tokens, answer: e.problem.answer })),
      mode: { latentSteps },
      limit: answerLimit(layout),
      signal,
      onProgress: (done, total) => clock.tell(done, total, 'problems'),
    });
    emit({ kind: 'evaluation', step: at, set, accuracy: share, milliseconds: performance.now() - start });
    return share;
  };

  const observer = new Observer({
    config: config.observation,
    adapter,
    decoder,
    device: context.device,
    padId: pair.codec.padId,
    latentSteps,
    training,
    keep: (checkpoint) => keep.checkpoint(checkpoint),
    emit,
    signal,
  });
  const indices = batchIndices(new Rng(config.seed).fork('batches'), training.length, layout.batch);
  const { optimiser: o } = config;
  clock.begin('train');
  try {
    const done = await train({
      step,
      parameters: adapter.packs,
      optimiser,
      steps: o.steps,
      learningRate: o.learningRate,
      warmup: o.warmup,
      batch: (t) => {
        const samples = indices(t);
        const tokens = samples.map((i) => (training[i] as Example).tokens);
        return stepFeeds(spec, tokenBatch(tokens, pair.codec, layout), samples);
      },
      onStep: ({ losses, ...rest }) => emit({ kind: 'step', steps: o.steps, losses, ...rest }),
      every: validation.length > 0 ? config.evaluation.every : 0,
      onEvaluate: async (at) => {
        await adapter.offer((await measure('validation', validation, at)).correct);
        clock.begin('train');
      },
      between: (at) =>
        clock.aside(async () => {
          await observer.at(at);
          // A pause asked for after the cancel must not hold it up.
          if (!signal?.aborted) await control.pass(queuedCalls);
        }),
      control,
      signal,
    });
    await clock.aside(() => observer.end(done));
    await adapter.settle();
    const share = heldOut.length > 0 ? await measure('held-out', heldOut, done) : null;
    await clock.aside(serve);
    const report: CallOptions['report'] = (progress) => emit({ kind: 'progress', progress });
    const teacher =
      heldOut.length > 0 ? await context.teacherAccuracy(heldOut.length, { signal, report }) : null;
    keep.student(student);
    return {
      config,
      status: done < o.steps ? 'stopped' : 'done',
      steps: done,
      heldOut: share,
      teacher,
      seconds: {
        teacher: clock.seconds('teacher', 'factors'),
        compile: clock.seconds('compile'),
        train: clock.seconds('train'),
        evaluate: clock.seconds('evaluate'),
      },
      programs: runtime.programCount,
      trainable: student.packs.reduce((n, pack) => n + pack.length, 0),
      provider: runtime.provider,
      models: pair.hashes,
    };
  } catch (error) {
    if (!(error instanceof CancelledError)) {
      // A lost GPU cannot be read any more: the copy of the last evaluation is what remains. Without one the student
      // there was is worth more than one as it was initialised.
      await adapter.settle().catch(() => undefined);
      if (adapter.copied) keep.student(student);
    }
    throw error;
  } finally {
    machinery.dispose();
  }
}

/** Teacher's states, targets, programs. Frees what it made when it fails. */
async function prepare(
  context: RunContext,
  config: RunConfig,
  training: readonly Example[],
  evaluated: readonly Example[],
  clock: PhaseClock,
  signal: AbortSignal | undefined,
): Promise<Machinery> {
  const { runtime, device, pair } = context;
  const recipe = recipeOf(context, config);
  const explicitWeight = 'explicit' in config.weights ? config.weights.explicit : 0;
  const layout = layoutOf(
    [...training, ...evaluated].map((e) => e.tokens),
    pair.codec,
    Math.min(config.optimiser.batch, training.length),
  );
  clock.begin('teacher');
  const states = recipe.usesTeacher
    ? await teacherStates(runtime, pair, training, layout, {
        ...('factors' in config && { rationale: config.factors.rationale }),
        signal,
        onProgress: (done, total) => clock.tell(done, total, 'samples'),
      })
    : [];
  clock.begin('factors');
  clock.tell(0, training.length, 'samples');
  const stateLosses = recipe.stateLosses(config, pair.base.config, states);
  await clock.aside(async () => context.queuedCalls?.serve());
  throwIfCancelled(signal, 'the run');

  clock.begin('compile');
  clock.tell(0, 2, 'programs');
  const spec: StepSpec = {
    config: pair.base.config,
    lora: config.lora,
    layout,
    latentSteps: recipe.latentSteps(config),
    filter: filterOf(config),
    explicit: explicitWeight > 0,
    answerWeight: config.weights.answer,
    explicitWeight,
    stateLosses,
  };
  return Owned.while(async (owned) => {
    const student: Student = {
      label: `${nameConfig(config, context.methods).name}, ${config.data.samples} samples, seed ${config.seed}`,
      latentSteps: spec.latentSteps,
      filter: spec.filter,
      lora: spec.lora,
      packs: initialLora(spec.config, spec.lora, new Rng(config.seed)),
    };
    const adapter = owned.add(new TrainedAdapter(runtime, student, config.evaluation.keepBest));
    // On WebGPU the losses and AdamW are shaders between small programs; on WASM one program a step is fastest.
    const step = owned.add(
      device
        ? await compileBlockwiseStep(runtime, spec, pair.base.weights, { device })
        : await compileWholeStep(runtime, spec, pair.base.weights),
    );
    clock.tell(1, 2, 'programs');
    const optimiser = owned.add(
      device
        ? await gpuOptimiser(device, adapter.packs, config.optimiser)
        : hostOptimiser(adapter.packs, config.optimiser),
    );
    // Without problems to evaluate on it is the observed samples that are decoded.
    const decoded = evaluated.length || Math.min(config.observation.samples, training.length);
    const decoder = owned.add(
      await decoderFor(context.models, pair.base, {
        batch: Math.min(EVALUATION_BATCH, decoded),
        question: layout.question,
        keys: latentKeys(layout, spec.latentSteps),
        lora: spec.lora,
        filter: spec.filter,
        latents: spec.latentSteps > 0,
      }),
    );
    decoder.setAdapter(adapter.packs);
    clock.tell(2, 2, 'programs');
    return { spec, step, adapter, optimiser, decoder, dispose: () => owned.dispose() };
  });
}

/** @throws ConfigError where the method has data and no recipe: a fault of the two indexes */
function recipeOf({ recipes }: RunContext, { method }: RunConfig): Recipe {
  const recipe = Object.hasOwn(recipes, method) ? recipes[method] : undefined;
  if (!recipe)
    throw new ConfigError(
      `the method "${method}" has no recipe; there are ${Object.keys(recipes).join(', ')}`,
      'Choose one of these methods.',
    );
  return recipe;
}

/** Refused before anything is computed. @throws ConfigError */
export function checkRun(config: RunConfig, pair: Pair): void {
  const { layers, hiddenSize } = pair.base.config;
  const refuse = (what: string, limit: string): never => {
    throw new ConfigError(`${what}; ${limit}`, 'Change the value in the run’s settings.');
  };
  if (config.method !== 'lori') return;
  const { layerRank, hiddenRank, anchor } = config.factors;
  if (layerRank > layers) refuse(`r_L is ${layerRank}`, `this model has ${layers} layers`);
  const width = `this model's hidden size is ${hiddenSize}`;
  if (hiddenRank > hiddenSize) refuse(`r_H is ${hiddenRank}`, width);
  if (anchor.hiddenRank > hiddenSize) refuse(`r_H of the anchor is ${anchor.hiddenRank}`, width);
  if (layerRank * hiddenRank > 512)
    refuse(`r_L · r_H is ${layerRank * hiddenRank}`, 'at most 512 is supported');
}
