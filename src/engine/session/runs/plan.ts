import type { RunConfig } from '../../../contract/config';
import {
  compositionFor,
  estimateMemory,
  HOST_BYTES,
  type ModelSizes,
  type Purpose,
  stepSeconds,
} from '../../../contract/memory';
import type { Stage } from '../../../contract/methods/curriculum';
import type { RunCost, TeacherReading } from '../../../contract/run-cost';
import { gigabytes } from '../../../text/figures';
import { MemoryError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { layoutOf } from '../../data/batch';
import type { ProblemCodec, RationaleForm, TokenProblem } from '../../data/tokens';
import { positionsRun, type Reasoning } from '../../decode/reasoning';
import type { Recipe } from '../../recipes/shared/recipe';
import { trainedWeights } from '../../recipes/shared/trained';
import type { Runtime } from '../../runtime/runtime';
import { sizesOf } from '../models/fits';
import type { Example } from '../models/problems';
import type { Roles, TeacherRole } from '../models/roles';
import {
  evaluationSeconds,
  lookSeconds,
  measurementsOf,
  problemSeconds,
  writtenSeconds,
} from './evaluation-cost';
import type { RunData } from './run-data';
import { RunPace, type RunSeconds } from './run-pace';
import { reasoningIn } from './stages';

/** The sizes of a run, before anything is computed. */
export interface RunPlan {
  readonly batch: number;
  /** The training samples' tokens, as the method reads them. */
  readonly trained: readonly TokenProblem[];
  /** Depends only on the training data, so that nothing else can change a bit of training. */
  readonly layout: TokenLayout;
  readonly stages: readonly Stage[];
  /** How the student reasons in each stage. */
  readonly reasonings: readonly Reasoning[];
  readonly purpose: Extract<Purpose, { kind: 'distil' }>;
}

export function planOf(
  config: RunConfig,
  recipe: Recipe,
  roles: Roles,
  stages: readonly Stage[],
  { training }: Pick<RunData, 'training'>,
): RunPlan {
  const { codec } = roles;
  const batch = Math.min(config.optimiser.batch, training.length);
  const trained = training.map((example) => trainedTokens(example, config, recipe, codec));
  const layout = layoutOf(trained, codec, batch);
  const reasonings = stages.map((_, stage) => reasoningIn(recipe, config, roles, stage));
  const fed = Math.max(...reasonings.map(positionsRun));
  const written = writesRationale(config) ? layout.explicit : 0;
  const tokens = layout.question + fed + layout.prompt + layout.answer + written;
  const weights = trainedWeights(recipe, config);
  const rank = weights === 'alone' ? 0 : config.lora.rank;
  const sizes = { sequences: batch, tokens, predicted: layout.answer + written };
  const purpose = { kind: 'distil', ...sizes, rank, weights: weights !== undefined } as const;
  return { batch, trained, layout, stages, reasonings, purpose };
}

/** A training sample's tokens, as the method reads them. */
export function trainedTokens(
  { tokens, problem }: Pick<Example, 'tokens' | 'problem'>,
  config: RunConfig,
  recipe: Recipe,
  codec: Pick<ProblemCodec, 'encode'>,
): TokenProblem {
  const form = recipe.rationale?.(config);
  return form ? codec.encode(problem, form) : tokens;
}

/** The form in which a run reads rationales, the method's own or the teacher's; undefined if it reads none. */
export const rationaleRead = (config: RunConfig, recipe: Recipe): RationaleForm | undefined =>
  recipe.rationale?.(config) ?? (recipe.usesTeacher(config) ? rationaleOf(config) : undefined);

/** The form of the rationale that the teacher is forced through. */
export const rationaleOf = (config: RunConfig): RationaleForm =>
  'factors' in config ? config.factors.rationale : 'steps';

/** Bytes of the teacher's hidden states on all samples. */
export function statesBytes(
  training: readonly Pick<Example, 'problem'>[],
  config: RunConfig,
  {
    codec,
    teacher,
  }: { readonly codec: Pick<ProblemCodec, 'encode'>; readonly teacher: Pick<TeacherRole, 'model'> },
): number {
  const { layers, hiddenSize } = teacher.model.config;
  const form = rationaleOf(config);
  const tokens = training.reduce(
    (sum, { problem }) => sum + codec.encode(problem, form).rationale.length + 1,
    0,
  );
  return tokens * layers * hiddenSize * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * Maximum bytes of a teacher's states that are held until targets are made from them; the bundled pair needs
 * far fewer.
 */
export const HELD_STATES_BYTES = 256e6;
/** Maximum bytes kept while it is read sample by sample: half of what a page has outside WebAssembly. */
const MAX_KEPT_BYTES = HOST_BYTES / 2;

/**
 * How the teacher is read: once, with all states held until the targets are made from them, or one sample at
 * a time, as often as the recipe needs. @throws MemoryError if what is kept meanwhile does not fit into host
 * memory
 */
export function readingOf(
  config: RunConfig,
  recipe: Recipe,
  training: readonly Pick<Example, 'problem'>[],
  roles: Parameters<typeof statesBytes>[2],
  heldBytes = HELD_STATES_BYTES,
): TeacherReading {
  const model = roles.teacher.model.config;
  const states = statesBytes(training, config, roles);
  const streamed = recipe.streamed?.(config, model, training.length);
  if (streamed && states <= heldBytes) return { states, held: true, readings: 1, bytes: states };
  const anchors = training.length * model.layers * model.hiddenSize * Float32Array.BYTES_PER_ELEMENT;
  const { readings = 1, bytes: sums = 0 } = streamed ?? {};
  const bytes = anchors + sums;
  if (bytes > MAX_KEPT_BYTES)
    throw new MemoryError(
      `what is kept of the teacher's hidden states for ${training.length} samples takes ${gigabytes(bytes)}; at most ${MAX_KEPT_BYTES / 1e9} GB can be held`,
      'Choose fewer samples, a smaller teacher, lower ranks of the factors, or turn off factors.normaliseLayers, which keeps a matrix for each layer.',
    );
  return { states, held: false, readings, bytes };
}

/** Whether a step may feed the rationale as text: always, unless a weight of 0 leaves that out. */
const writesRationale = ({ weights }: RunConfig): boolean => !('explicit' in weights) || weights.explicit > 0;

/** Seconds on several threads; two were measured 1.45 times as fast as one. */
const threaded = (seconds: number, threads: number): number => (threads > 1 ? seconds / 1.45 : seconds);

/** The plan with the way in which a step is run, if that fits. */
function composed({ purpose }: RunPlan, roles: Roles, { provider }: Pick<Runtime, 'provider'>) {
  const composition = compositionFor(sizesOf(roles.student.config), provider, purpose) ?? null;
  return { composition, purpose: composition ? { ...purpose, composition } : purpose };
}

/**
 * Seconds, from operation counts at WASM's speed, for one of each thing that a run is timed by. `RunPace` turns them into times on
 * this device.
 */
export function estimatedSeconds(
  config: RunConfig,
  recipe: Recipe,
  roles: Roles,
  {
    runtime,
    plan,
    decoded,
  }: {
    readonly runtime: Pick<Runtime, 'provider' | 'threads'>;
    readonly plan: RunPlan;
    /** The layout of everything that is decoded. */
    readonly decoded: TokenLayout;
  },
): RunSeconds {
  const { question, explicit } = plan.layout;
  const reading = (model: ModelSizes, tokens: number): number =>
    estimateMemory(model, 'wasm', { kind: 'see', sequences: 1, tokens }).seconds ?? 0;
  const { purpose } = composed(plan, roles, runtime);
  const { student, teacher } = roles;
  const decoding = { config: student.config, decoded, reasonings: plan.reasonings };
  const on = (seconds: number): number => threaded(seconds, runtime.threads);
  return {
    teacher: recipe.usesTeacher(config) ? on(reading(sizesOf(teacher.model.config), question + explicit)) : 0,
    step: on(stepSeconds(sizesOf(student.config), purpose)) * config.optimiser.accumulation,
    problem: on(problemSeconds(decoding)),
    written: on(writtenSeconds(student.config, decoded)),
    byTeacher: on(writtenSeconds(teacher.model.config, decoded)),
    look: on(lookSeconds(decoding, config.observation.samples)),
  };
}

/** The estimated cost of the run. */
export function costOf(
  config: RunConfig,
  recipe: Recipe,
  roles: Roles,
  {
    runtime,
    data,
    plan,
    decoded,
    heldStatesBytes,
    teacherIsKnown,
    pace = new RunPace(),
  }: {
    readonly runtime: Runtime;
    readonly data: RunData;
    readonly plan: RunPlan;
    /** The layout of everything that is decoded. */
    readonly decoded: TokenLayout;
    readonly heldStatesBytes?: number | undefined;
    /** Whether the teacher's accuracy is known. */
    readonly teacherIsKnown: boolean;
    readonly pace?: RunPace;
  },
): Omit<RunCost, 'kept'> {
  const sizes = sizesOf(roles.student.config);
  const { composition, purpose } = composed(plan, roles, runtime);
  const usesTeacher = recipe.usesTeacher(config);
  const reading = usesTeacher ? readingOf(config, recipe, data.training, roles, heldStatesBytes) : null;
  const estimated = estimatedSeconds(config, recipe, roles, { runtime, plan, decoded });
  const each = pace.correct(config.method, estimated, runtime.provider);
  return {
    data: data.used,
    student: roles.student.report.name,
    teacher: usesTeacher ? roles.teacher.label : null,
    batch: plan.batch,
    tokens: plan.purpose.tokens,
    composition,
    storage: sizes.storage ?? 'f32',
    memory: estimateMemory(sizes, runtime.provider, purpose),
    reading,
    seconds: each && secondsOf(each, config, { data, plan, reading, teacherIsKnown }),
  };
}

/** The seconds of the whole run. */
function secondsOf(
  each: RunSeconds,
  config: RunConfig,
  {
    data,
    plan: { stages, reasonings },
    reading,
    teacherIsKnown,
  }: {
    readonly data: RunData;
    readonly plan: RunPlan;
    readonly reading: TeacherReading | null;
    readonly teacherIsKnown: boolean;
  },
): RunCost['seconds'] {
  const teacher = each.teacher * data.training.length * (reading?.readings ?? 0);
  const evaluation = evaluationSeconds(each, measurementsOf(config, stages, reasonings), data, {
    // A student that writes its rationale anyway has been measured so.
    written: config.evaluation.explicit && !reasonings.at(-1)?.explicit,
    teacher: !teacherIsKnown,
  });
  const { step } = each;
  return { step, teacher, evaluation, all: teacher + config.optimiser.steps * step + evaluation.all };
}
