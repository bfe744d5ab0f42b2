import type { HostTensor } from '../../base/dtype';
import type { Owned } from '../../base/owned';
import type { Program } from '../../graph/graph';
import {
  type BlockPrograms,
  blockPrograms,
  type SegmentKind,
  type SegmentSizes,
} from '../../nn/programs/block';
import {
  embedProgram,
  type ForwardReverse,
  feedbackPrograms,
  normPrograms,
  pickProgram,
  placeProgram,
} from '../../nn/programs/outer';
import type { Executable } from '../../runtime/executable';
import type { Runtime } from '../../runtime/runtime';
import { TOKEN_INPUTS } from '../paths';
import type { StepSpec } from '../step';
import { answerHead, explicitHead, termsProgram } from './heads';

/** A program and the one that carries cotangents back through it. */
export interface Pair {
  readonly forward: Executable;
  readonly reverse: Executable;
}

/** Everything a step runs: as many programs for two blocks as for two hundred, for two latent steps as for six. */
export interface StepPrograms {
  readonly sizes: SegmentSizes;
  readonly embed: Executable;
  readonly question: Pair;
  readonly latent: Pair | undefined;
  readonly answer: Pair;
  readonly explicit: Pair | undefined;
  /** The last position of the question, and its transpose. */
  readonly pick: Executable;
  readonly place: Executable;
  readonly norm: Pair;
  readonly feedback: Pair | undefined;
  readonly answerHead: Executable;
  readonly explicitHead: Executable | undefined;
  readonly terms: Executable;
  readonly all: readonly Executable[];
}

/**
 * @param watched which states have losses of their own
 * @param termLengths of the vectors of terms, in order
 * @param outer values baked in under `w.{name}`; empty where they are bound at run time
 * @param owned takes the programs
 */
export async function compilePrograms(
  runtime: Runtime,
  spec: StepSpec,
  watched: { readonly latents: boolean; readonly anchor: boolean },
  termLengths: readonly number[],
  outer: Readonly<Record<string, HostTensor>>,
  owned: Owned,
): Promise<StepPrograms> {
  const { config, lora, layout, latentSteps: K } = spec;
  const { batch: B, question: S, prompt: P, answer: A, explicit: R } = layout;
  const sizes: SegmentSizes = { batch: B, question: S, columns: S + K };
  const all: Executable[] = [];
  const compile = async (program: Program): Promise<Executable> => {
    const executable = owned.add(await runtime.compile(program, { bake: outer }));
    all.push(executable);
    return executable;
  };
  const pair = async ({ forward, reverse }: BlockPrograms | ForwardReverse): Promise<Pair> => ({
    forward: await compile(forward),
    reverse: await compile(reverse),
  });
  const block = (segment: SegmentKind, states = false): Promise<Pair> =>
    pair(blockPrograms(config, lora, sizes, segment, states));

  const answer: SegmentKind = {
    kind: 'continuation',
    from: S + K,
    positions: P + A - 1,
    ...(watched.anchor && { watched: P - 1 }),
  };
  const ids = {
    [TOKEN_INPUTS.questionIds]: [B, S],
    [TOKEN_INPUTS.answerIds]: [B, P + A - 1],
    ...(spec.explicit && { [TOKEN_INPUTS.explicitIds]: [B, R - 1] }),
  } as Record<string, readonly [number, number]>;
  return {
    sizes,
    embed: await compile(embedProgram(config, ids)),
    question: await block({ kind: 'question' }),
    latent: K > 0 ? await block({ kind: 'latent' }, watched.latents) : undefined,
    answer: await block(answer, watched.anchor),
    explicit: spec.explicit ? await block({ kind: 'continuation', from: S, positions: R - 1 }) : undefined,
    pick: await compile(pickProgram(B, S, config.hiddenSize, S - 1)),
    place: await compile(placeProgram(B, S, config.hiddenSize, S - 1)),
    norm: await pair(normPrograms(config, B)),
    feedback: K > 0 ? await pair(feedbackPrograms(config, B, spec.filter)) : undefined,
    answerHead: await compile(answerHead(spec, watched.anchor)),
    explicitHead: spec.explicit ? await compile(explicitHead(spec)) : undefined,
    terms: await compile(termsProgram(termLengths)),
    all,
  };
}
