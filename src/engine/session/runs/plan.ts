import type { RunConfig } from '../../../contract/config';
import {
  compositionFor,
  estimateMemory,
  HOST_BYTES,
  type Purpose,
  stepSeconds,
} from '../../../contract/memory';
import type { RunCost } from '../../../contract/run-cost';
import { MemoryError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { layoutOf } from '../../data/batch';
import type { ProblemCodec, RationaleForm, TokenProblem } from '../../data/tokens';
import { positionsRun, type Reasoning } from '../../decode/reasoning';
import type { Recipe } from '../../recipes/shared/recipe';
import type { Runtime } from '../../runtime/runtime';
import { sizesOf } from '../models/fits';
import type { Example } from '../models/problems';
import type { Roles } from '../models/roles';
import type { RunData } from './run-data';
import { reasoningIn, type stagesOf } from './stages';

/** The sizes of a run, before anything is computed. */
export interface RunPlan {
  readonly batch: number;
  /** The training samples' tokens, as the method reads them. */
  readonly trained: readonly TokenProblem[];
  /** Depends on the training data alone, so that nothing else can change a bit of training. */
  readonly layout: TokenLayout;
  readonly reasonings: readonly Reasoning[];
  readonly purpose: Extract<Purpose, { kind: 'distil' }>;
}

export function planOf(
  config: RunConfig,
  recipe: Recipe,
  roles: Roles,
  stages: ReturnType<typeof stagesOf>,
  { training }: Pick<RunData, 'training'>,
): RunPlan {
  const { codec } = roles;
  const batch = Math.min(config.optimiser.batch, training.length);
  const form = recipe.rationale?.(config);
  const trained = training.map(({ tokens, problem }: Example) =>
    form ? codec.encode(problem, form) : tokens,
  );
  const layout = layoutOf(trained, codec, batch);
  const reasonings = stages.map((_, stage) => reasoningIn(recipe, config, roles, stage));
  const fed = Math.max(...reasonings.map(positionsRun));
  const written = writesRationale(config) ? layout.explicit : 0;
  const tokens = layout.question + fed + layout.prompt + layout.answer + written;
  const weights = recipe.trainsWeights?.(config) ?? false;
  const purpose = { kind: 'distil', sequences: batch, tokens, rank: config.lora.rank, weights } as const;
  return { batch, trained, layout, reasonings, purpose };
}

/** The form in which a run reads rationales, the method's own or the teacher's; undefined where it reads none. */
export const rationaleRead = (config: RunConfig, recipe: Recipe): RationaleForm | undefined =>
  recipe.rationale?.(config) ?? (recipe.usesTeacher(config) ? rationaleOf(config) : undefined);

/** What of the rationale the teacher is forced through. */
export const rationaleOf = (config: RunConfig): RationaleForm =>
  'factors' in config ? config.factors.rationale : 'steps';

/** Bytes of the teacher's hidden states on all samples, which are there until targets are made of them. */
export function statesBytes(
  training: readonly Pick<Example, 'problem'>[],
  config: RunConfig,
  { codec, teacher }: { readonly codec: Pick<ProblemCodec, 'encode'>; readonly teacher: Roles['teacher'] },
): number {
  const { layers, hiddenSize } = teacher.model.config;
  const form = rationaleOf(config);
  const tokens = training.reduce(
    (sum, { problem }) => sum + codec.encode(problem, form).rationale.length + 1,
    0,
  );
  return tokens * layers * hiddenSize * Float32Array.BYTES_PER_ELEMENT;
}

/** Bytes that they may take: half of what a page has outside WebAssembly. */
const MAX_STATES_BYTES = HOST_BYTES / 2;

/** @throws MemoryError where the teacher's hidden states do not fit into host memory */
export function refuseUnlessStatesFit(bytes: number, samples: number): void {
  if (bytes <= MAX_STATES_BYTES) return;
  throw new MemoryError(
    `the teacher's hidden states on ${samples} samples take ${(bytes / 1e9).toFixed(1)} GB; at most ${MAX_STATES_BYTES / 1e9} GB are held`,
    'Choose fewer samples or shorter rows, or read only the results of the rationale.',
  );
}

/** Whether a step may feed the rationale as text: always, unless a weight of 0 leaves that out. */
const writesRationale = ({ weights }: RunConfig): boolean => !('explicit' in weights) || weights.explicit > 0;

/** Two threads take this share of the time of one (measured: 1.45 times as fast). */
const threaded = (seconds: number, threads: number): number => (threads > 1 ? seconds / 1.45 : seconds);

/** What the run takes, estimated. */
export function costOf(
  config: RunConfig,
  recipe: Recipe,
  roles: Roles,
  { runtime, data, plan }: { readonly runtime: Runtime; readonly data: RunData; readonly plan: RunPlan },
): RunCost {
  const sizes = sizesOf(roles.student.config);
  const composition = compositionFor(sizes, runtime.provider, plan.purpose) ?? null;
  const purpose: typeof plan.purpose = composition ? { ...plan.purpose, composition } : plan.purpose;
  const usesTeacher = recipe.usesTeacher(config);
  const step = threaded(stepSeconds(sizes, purpose), runtime.threads);
  const read = plan.layout.question + plan.layout.explicit;
  const one =
    estimateMemory(sizes, runtime.provider, { kind: 'see', sequences: 1, tokens: read }).seconds ?? 0;
  const teacher = usesTeacher ? threaded(one, runtime.threads) * data.training.length : 0;
  const steps = config.optimiser.steps * config.optimiser.accumulation;
  return {
    data: data.used,
    student: roles.student.report.name,
    teacher: usesTeacher ? roles.teacher.label : null,
    batch: plan.batch,
    tokens: plan.purpose.tokens,
    composition,
    storage: composition === 'layerwise' ? 'f32' : (sizes.storage ?? 'f32'),
    memory: estimateMemory(sizes, runtime.provider, purpose),
    states: usesTeacher ? statesBytes(data.training, config, roles) : 0,
    seconds: runtime.provider === 'wasm' ? { step, teacher, all: teacher + steps * step } : null,
  };
}
