import { BUG, RuntimeError, throwIfCancelled } from '../base/errors';
import type { Decoder, DecoderInput, StepOptions } from './decoder';
import { everywhere } from './greedy';
import { type Fed, fedName } from './programs';
import { latentOf } from './readout';
import { isThought, type JacobiStage, lengthOf, type Reasoning, type Stage } from './reasoning';
import type { DecoderState } from './state';

/** A position of a reasoning. */
export interface Position {
  readonly stage: Stage;
  /** Its place in the stage, from 0. */
  readonly at: number;
  /**
   * Which thought it is, from 1; undefined for a position that is not a thought, such as an end-of-thought
   * token.
   */
  readonly thought: number | undefined;
}

/** All positions that a reasoning feeds, in order. */
export function positionsOf({ stages }: Reasoning): Position[] {
  let thoughts = 0;
  return stages.flatMap((stage) =>
    Array.from({ length: lengthOf(stage) }, (_, at) => ({
      ...{ stage, at },
      thought: isThought(stage) ? ++thoughts : undefined,
    })),
  );
}

/**
 * A reasoning in progress. It is a value, like the state that it holds: it can be kept, and continued in more
 * than one way.
 */
export interface Reasoned {
  readonly state: DecoderState;
  /** Positions fed so far. */
  readonly fed: number;
  /** x₁ … x_c of a Jacobi stage in progress. */
  readonly refined?: readonly DecoderInput[] | undefined;
}

/** What is fed next. */
export interface NextInput {
  readonly input: DecoderInput;
  /** To be kept with the resulting state. */
  readonly refined?: Reasoned['refined'];
}

/**
 * What is fed next; a Jacobi stage is refined before its first position. @throws RuntimeError if all
 * positions have been fed
 */
export async function nextInput(
  decoder: Decoder,
  { state, fed, refined: known }: Reasoned,
  reasoning: Reasoning,
  options: StepOptions = {},
): Promise<NextInput> {
  const position = positionsOf(reasoning)[fed];
  if (!position) throw new RuntimeError(`all ${fed} positions of the reasoning have been fed`, BUG);
  const { stage, at } = position;
  if (stage.kind !== 'jacobi') return { input: inputOf(decoder, stage, at) };
  const refined = at === 0 ? await refine(decoder, state, stage, options) : known;
  return { input: refined?.[at] as DecoderInput, refined: at + 1 < stage.count ? refined : undefined };
}

export interface ReasonOptions {
  readonly step?: StepOptions | undefined;
  /** What is fed as a thought, from 1, in place of the computed one: a vector for every sequence, [B, H]. */
  readonly given?: ((thought: number) => Float32Array<ArrayBuffer> | undefined) | undefined;
  /** Receives what a position is about to be fed, and the state before it. */
  readonly onInput?:
    | ((input: DecoderInput, position: Position, before: DecoderState) => Promise<unknown> | unknown)
    | undefined;
  /** Receives the state after each position. */
  readonly onPosition?: ((state: DecoderState, position: Position) => Promise<unknown> | unknown) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The reasoning with `to` positions fed, by default all; the given state is unchanged. @throws CancelledError */
export async function reasonFrom(
  decoder: Decoder,
  from: Reasoned,
  reasoning: Reasoning,
  { to, step, given, onInput, onPosition, signal }: ReasonOptions & { readonly to?: number | undefined } = {},
): Promise<Reasoned> {
  let at = from;
  const drop = (): void => {
    if (at.state !== from.state) at.state.dispose();
  };
  try {
    for (const position of positionsOf(reasoning).slice(from.fed, to)) {
      throwIfCancelled(signal, 'reasoning');
      const vector = position.thought === undefined ? undefined : given?.(position.thought);
      const { input, refined } = vector
        ? { input: { vector }, refined: at.refined }
        : await nextInput(decoder, at, reasoning, step);
      await onInput?.(input, position, at.state);
      const state = await decoder.advance(at.state, input, step);
      drop();
      at = { state, fed: at.fed + 1, refined };
      await onPosition?.(state, position);
    }
    return at;
  } catch (error) {
    drop();
    throw error;
  }
}

/**
 * Feeds all positions of a reasoning. The given state is disposed of, unless this fails.
 * @returns the state before the answer prompt, which is the given one if nothing is fed
 */
export async function reason(
  decoder: Decoder,
  from: DecoderState,
  reasoning: Reasoning,
  options?: ReasonOptions,
): Promise<DecoderState> {
  const { state } = await reasonFrom(decoder, { state: from, fed: 0 }, reasoning, options);
  if (state !== from) from.dispose();
  return state;
}

/** What must be compiled to run a reasoning, besides feeding tokens. */
export function feedsOf({ stages }: Reasoning): Fed[] {
  const feeds = stages.flatMap((stage): Fed[] => {
    if (stage.kind === 'latents' && stage.steps > 0) return [{ latent: stage.feedback }];
    return stage.kind === 'embeddings' || stage.kind === 'jacobi' ? [{ embedding: stage.parameter }] : [];
  });
  return [...new Map(feeds.map((fed) => [fedName(fed), fed])).values()];
}

function inputOf(decoder: Decoder, stage: Exclude<Stage, JacobiStage>, at: number): DecoderInput {
  if (stage.kind === 'tokens') {
    const input = everywhere(decoder, stage.ids[at] as number);
    return at === 0 && stage.skip ? { ...input, skip: stage.skip } : input;
  }
  if (stage.kind === 'latents') return { latent: stage.feedback };
  return { embedding: stage.parameter, row: stage.rows[at] as number };
}

/**
 * What the last run of a Jacobi stage is fed. Positions run one after another, which computes the same as one
 * causal run.
 */
async function refine(
  decoder: Decoder,
  from: DecoderState,
  { parameter, row, count, iterations, feedback }: JacobiStage,
  options: StepOptions,
): Promise<DecoderInput[]> {
  let x = new Array<DecoderInput>(count).fill({ embedding: parameter, row });
  if (iterations === 0) return x;
  const first = { vector: await latentOf(decoder, from, feedback) };
  for (let t = 0; t < iterations; t++) {
    const next: DecoderInput[] = [first];
    let at = from;
    try {
      for (const input of x.slice(0, -1)) {
        const after = await decoder.advance(at, input, options);
        if (at !== from) at.dispose();
        at = after;
        next.push({ vector: await latentOf(decoder, at, feedback) });
      }
    } finally {
      if (at !== from) at.dispose();
    }
    x = next;
  }
  return x;
}
