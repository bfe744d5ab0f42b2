import { BUG, ConfigError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { isThought, type Reasoning, type Stage } from '../../decode/reasoning';
import type { Feedback } from '../../nn/feedback';
import type { Computed, Finals, Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { TOKEN_INPUTS } from './token-inputs';

/** Name of the trained adapter in segments. */
export const STUDENT = 'student';

/** The question, left-padded. */
export const readQuestion = (
  tape: Tape,
  { question }: TokenLayout,
  adapters: readonly string[] = [STUDENT],
): Segment =>
  tape.segment(tape.tokens(TOKEN_INPUTS.questionIds, question), {
    adapters,
    mask: TOKEN_INPUTS.questionMask,
  });

/**
 * K latent thoughts: z₁ is made from the question's last hidden state, z_t from that of z_{t−1} (LoRi §2: z_t = f(x, z_{1:t−1})).
 * @param mask name of the mask of a thought, counted from 0, where rows hide it
 */
export function think(
  tape: Tape,
  question: Segment,
  K: number,
  feedback: Feedback,
  adapters: readonly string[] = [STUDENT],
  mask?: (t: number) => string,
): Segment[] {
  const thoughts: Segment[] = [];
  for (let t = 0; t < K; t++) {
    const after = thoughts.at(-1) ?? question;
    const z = tape.feedback(after.last, feedback);
    thoughts.push(tape.segment(z, { after, adapters, ...(mask && { mask: mask(t) }) }));
  }
  return thoughts;
}

/** A reasoning on the tape: its last segment, and those whose positions are its thoughts, in order. */
export interface Thoughts {
  readonly end: Segment;
  readonly thoughts: readonly Segment[];
}

/** Records a reasoning as it will be decoded, stage by stage, with its adapters. */
export function reasonAfter(tape: Tape, question: Segment, { adapters, stages }: Reasoning): Thoughts {
  let end = question;
  const thoughts: Segment[] = [];
  for (const stage of stages)
    for (const x of recordStage(tape, () => end, stage, adapters)) {
      end = x;
      if (isThought(stage)) thoughts.push(x);
    }
  return { end, thoughts };
}

function* recordStage(
  tape: Tape,
  before: () => Segment,
  stage: Stage,
  adapters: readonly string[],
): Generator<Segment> {
  const on = (x: Computed, after = before()): Segment => tape.segment(x, { after, adapters });
  if (stage.kind === 'tokens' && stage.skip)
    throw new ConfigError('a recorded reasoning leaves positions unused', BUG);
  if (stage.kind === 'tokens' && stage.ids.length > 0) yield on(tape.constantTokens(stage.ids));
  if (stage.kind === 'embeddings' && stage.rows.length > 0)
    yield on(tape.embeddings(stage.parameter, stage.rows));
  if (stage.kind === 'latents') yield* think(tape, before(), stage.steps, stage.feedback, adapters);
  if (stage.kind === 'jacobi') {
    const after = before();
    const { parameter, row, count, iterations, feedback } = stage;
    let run = on(tape.embeddings(parameter, new Array<number>(count).fill(row)), after);
    for (let t = 0; t < iterations; t++) {
      const made = count === 1 ? [after.last] : [after.last, run.finals(0, count - 1)];
      run = on(tape.feedback(tape.rows(...(made as [Finals])), feedback), after);
    }
    yield run;
  }
}

/** What the cross entropy of an answer covers. */
export const SUPERVISED = {
  answer: { targets: TOKEN_INPUTS.answerTargets, weights: TOKEN_INPUTS.answerWeights },
  prompt: { targets: TOKEN_INPUTS.replyTargets, weights: TOKEN_INPUTS.replyWeights },
} as const;

/**
 * Answer prompt (its last token is the anchor) and answer. The mean cross entropy of the answer, or of both, is the term
 * `answer`; the last position before the prompt predicts its first token.
 */
export function answerAfter(
  tape: Tape,
  before: Segment,
  layout: TokenLayout,
  weight: number,
  adapters: readonly string[] = [STUDENT],
  supervised: keyof typeof SUPERVISED = 'answer',
): Segment {
  const { prompt: P, answer: A } = layout;
  const answer = tape.segment(tape.tokens(TOKEN_INPUTS.answerIds, P + A - 1), { after: before, adapters });
  const states = supervised === 'prompt' ? tape.rows(before.last, answer.finals()) : answer.finals(P - 1);
  tape.crossEntropy('answer', weight, states, SUPERVISED[supervised]);
  return answer;
}

/** Rationale, prompt and answer as text after the question, forced token by token. */
export const explicitText = (
  tape: Tape,
  question: Segment,
  { explicit: R }: TokenLayout,
  adapters: readonly string[] = question.adapters,
): Segment => tape.segment(tape.tokens(TOKEN_INPUTS.explicitIds, R - 1), { after: question, adapters });

/** The mean cross entropy of such a text is the term `name`; the question's last hidden state predicts its first token. */
export const explicitEntropy = (
  tape: Tape,
  name: string,
  weight: number,
  question: Segment,
  text: Segment,
): void =>
  tape.crossEntropy(name, weight, tape.rows(question.last, text.finals()), {
    targets: TOKEN_INPUTS.explicitTargets,
    weights: TOKEN_INPUTS.explicitWeights,
  });

/**
 * Rationale, prompt and answer as text after the same question (LoRi-E): their mean cross entropy is the term
 * `explicit`.
 */
export function explicitAfter(
  tape: Tape,
  question: Segment,
  layout: TokenLayout,
  weight: number,
  adapters: readonly string[] = [STUDENT],
): void {
  if (weight === 0) return;
  explicitEntropy(tape, 'explicit', weight, question, explicitText(tape, question, layout, adapters));
}

/** Where in the answer segment the anchor is: the last token of the prompt (LoRi §3.3). */
export const anchorOf = ({ prompt }: TokenLayout): number => prompt - 1;
