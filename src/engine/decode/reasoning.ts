import { InputError } from '../base/errors';
import type { Feedback } from '../nn/feedback';
import type { StopHeadSpec } from '../nn/modules/stop-head';

/** What a model is fed between the question and its answer prompt, as plain data. */
export interface Reasoning {
  /** Adapters that run while it reads, reasons and answers, by name, in order. */
  readonly adapters: readonly string[];
  /** Fed one after another, before the answer prompt. */
  readonly stages: readonly Stage[];
  /** Whether it writes its rationale and the answer prompt itself after the stages, so that no prompt is fed. */
  readonly explicit?: boolean;
  /** How many end tokens end what it writes; default 1. The earlier ones separate its parts. */
  readonly ends?: number;
  /** Adapters that run instead while it writes its rationale; by default the same. */
  readonly explicitAdapters?: readonly string[];
}

export type Stage = TokensStage | EmbeddingsStage | LatentsStage | JacobiStage;

/** Tokens of the vocabulary. */
export interface TokensStage {
  readonly kind: 'tokens';
  readonly ids: readonly number[];
  /** Whether these are its thoughts, like filler tokens; default false. */
  readonly thoughts?: boolean;
  /** Positions left unused before the first of them, shifting everything that follows; default 0. */
  readonly skip?: number;
}

/** Added tokens: rows of a trained parameter [count, H]. */
export interface EmbeddingsStage {
  readonly kind: 'embeddings';
  readonly parameter: string;
  readonly rows: readonly number[];
  /** Whether these are its thoughts, like silent tokens; default false. */
  readonly thoughts?: boolean;
}

/** Recurrent thoughts: each is made from the final hidden state before it. */
export interface LatentsStage {
  readonly kind: 'latents';
  readonly steps: number;
  readonly feedback: Feedback;
  /**
   * Set if a head decides after each position whether to continue: `steps` is then the maximum, and `min` the
   * minimum.
   */
  readonly stop?: { readonly head: StopHeadSpec; readonly min: number };
}

/**
 * Thoughts that are refined together by Jacobi iteration (PCCoT). Run 0 feeds c copies of an added token,
 * runs 1 … T feed x₁ … x_c: x₁ is made from the final hidden state before the stage, and x_{j+1} from the one
 * at position j of the run before. Later positions see only the last run.
 */
export interface JacobiStage {
  readonly kind: 'jacobi';
  readonly parameter: string;
  /** Row of the parameter. */
  readonly row: number;
  /** c */
  readonly count: number;
  /** T */
  readonly iterations: number;
  readonly feedback: Feedback;
}

/** Nothing between question and prompt. */
export const DIRECT: Reasoning = { adapters: [], stages: [] };

/** The same model writing its rationale. */
export const explicitly = ({ adapters, explicitAdapters = adapters }: Reasoning = DIRECT): Reasoning => ({
  adapters: explicitAdapters,
  stages: [],
  explicit: true,
});

/** Number of positions that a stage feeds. */
export function lengthOf(stage: Stage): number {
  switch (stage.kind) {
    case 'tokens':
      return stage.ids.length;
    case 'embeddings':
      return stage.rows.length;
    case 'latents':
      return stage.steps;
    case 'jacobi':
      return stage.count;
  }
}

/** Whether a stage's positions are thoughts. */
export const isThought = (stage: Stage): boolean =>
  stage.kind === 'latents' || stage.kind === 'jacobi' || stage.thoughts === true;

const sum = (stages: readonly Stage[]): number => stages.reduce((n, stage) => n + lengthOf(stage), 0);

/** Number of positions fed between question and prompt. */
export const positionsIn = ({ stages }: Reasoning): number => sum(stages);

/** Number of positions that it leaves unused. */
export const skippedIn = ({ stages }: Reasoning): number =>
  stages.reduce((n, stage) => n + ((stage.kind === 'tokens' && stage.skip) || 0), 0);

/** Number of positions that a recording of it runs: of a Jacobi stage, those of every run. */
export const positionsRun = ({ stages }: Reasoning): number =>
  sum(stages) +
  stages.reduce((n, stage) => n + (stage.kind === 'jacobi' ? stage.count * stage.iterations : 0), 0);

/** K: number of thoughts; 0 if it answers directly. */
export const thoughtsIn = ({ stages }: Reasoning): number => sum(stages.filter(isThought));

/** How its latents are made; undefined if it makes none. */
export const feedbackOf = ({ stages }: Reasoning): Feedback | undefined =>
  stages.flatMap((stage) => (stage.kind === 'latents' || stage.kind === 'jacobi' ? [stage.feedback] : []))[0];

/**
 * The same reasoning with K latents. One that makes none gets them at its end, made by `feedback`.
 * @throws InputError if its thoughts are not one stage of recurrent ones, and K is not their number
 */
export function withSteps(reasoning: Reasoning, K: number, feedback: Feedback): Reasoning {
  if (K === thoughtsIn(reasoning)) return reasoning;
  const { stages } = reasoning;
  const latents = stages.filter((stage) => stage.kind === 'latents');
  if (latents.length > 1 || stages.some((stage) => stage.kind !== 'latents' && isThought(stage)))
    throw new InputError(
      `${K} latent steps; this student was trained for ${thoughtsIn(reasoning)} thoughts that are not all recurrent`,
      `Choose ${thoughtsIn(reasoning)}.`,
    );
  if (latents.length === 0)
    return { ...reasoning, stages: [...stages, { kind: 'latents', steps: K, feedback }] };
  return {
    ...reasoning,
    stages: stages.map((stage) => (stage.kind === 'latents' ? { ...stage, steps: K } : stage)),
  };
}

/** Rows or ids of a stage of fixed tokens. */
const fixedOf = (stage: Stage): readonly number[] | undefined =>
  stage.kind === 'tokens' ? stage.ids : stage.kind === 'embeddings' ? stage.rows : undefined;

/** Whether every thought is a fixed token, the same for every question. */
export const hasFixedThoughts = ({ stages }: Reasoning): boolean =>
  stages.some(isThought) &&
  stages
    .filter(isThought)
    .every((stage) => fixedOf(stage) !== undefined || (stage.kind === 'jacobi' && stage.iterations === 0));

/**
 * The maximum number of thoughts that a reasoning can be given in place of its K: unlimited if they are all
 * made one after another, or are copies of one token; K if they are different tokens; null if they are
 * refined together, or come from several stages.
 */
export function mostThoughts(reasoning: Reasoning): number | null {
  const own = reasoning.stages.filter(isThought);
  const [stage, ...more] = own;
  if (stage === undefined || more.length > 0) return null;
  if (stage.kind === 'latents') return Number.POSITIVE_INFINITY;
  const fixed = fixedOf(stage);
  if (!fixed) return null;
  return new Set(fixed).size === 1 ? Number.POSITIVE_INFINITY : fixed.length;
}

/**
 * The same reasoning with exactly this many thoughts: recurrent ones without a stop head, the first of its
 * fixed tokens, or more copies of its single one.
 * @throws InputError if it cannot have that many
 */
export function withThoughts(reasoning: Reasoning, thoughts: number): Reasoning {
  const most = mostThoughts(reasoning);
  if (most === null || thoughts > most)
    throw new InputError(
      `${thoughts} thoughts; ${most === null ? 'those of this student are computed together, and their number is fixed at' : 'this student has different tokens as its thoughts, at most'} ${thoughtsIn(reasoning)}`,
      `Choose ${most === null ? '' : 'at most '}${thoughtsIn(reasoning)}.`,
    );
  const resized = (stage: Stage): Stage => {
    if (!isThought(stage)) return stage;
    if (stage.kind === 'latents') return { kind: 'latents', steps: thoughts, feedback: stage.feedback };
    const fixed = fixedOf(stage) ?? [];
    const list = Array.from({ length: thoughts }, (_, i) => fixed[Math.min(i, fixed.length - 1)] as number);
    return stage.kind === 'tokens' ? { ...stage, ids: list } : ({ ...stage, rows: list } as EmbeddingsStage);
  };
  return { ...reasoning, stages: reasoning.stages.map(resized) };
}

/** Whether a head decides how many latents it makes. */
export const stopsByItself = ({ stages }: Reasoning): boolean => stages.some(stopsIn);

/** The head that decides; undefined without one. */
export const stopHeadOf = ({ stages }: Reasoning): StopHeadSpec | undefined =>
  stages.flatMap((stage) => (stage.kind === 'latents' && stage.stop ? [stage.stop.head] : []))[0];

export const stopsIn = (stage: Stage): boolean => stage.kind === 'latents' && stage.stop !== undefined;
