import type { TokenLayout } from '../../base/tokens';
import type { Feedback } from '../../nn/feedback';
import type { Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { TOKEN_INPUTS } from './token-inputs';

/** Name of the trained adapter in segments. */
export const STUDENT = 'student';

/** The question, left-padded. */
export const readQuestion = (tape: Tape, { question }: TokenLayout, adapters = [STUDENT]): Segment =>
  tape.segment(tape.tokens(TOKEN_INPUTS.questionIds, question), {
    adapters,
    mask: TOKEN_INPUTS.questionMask,
  });

/** K latent thoughts: z₁ is made from the question's last hidden state, z_t from that of z_{t−1} (LoRi §2: z_t = f(x, z_{1:t−1})). */
export function think(tape: Tape, question: Segment, K: number, feedback: Feedback): Segment[] {
  const thoughts: Segment[] = [];
  for (let t = 0; t < K; t++) {
    const before = thoughts.at(-1) ?? question;
    const z = tape.feedback(before.last, feedback);
    thoughts.push(tape.segment(z, { after: before, adapters: [STUDENT] }));
  }
  return thoughts;
}

/**
 * Answer prompt (its last token is the anchor) and answer. The mean cross entropy of the answer, or of both, is the term
 * `answer`; the last position before the prompt predicts its first token.
 */
export function answerAfter(
  tape: Tape,
  before: Segment,
  layout: TokenLayout,
  weight: number,
  supervised: 'answer' | 'prompt' = 'answer',
  adapters: readonly string[] = [STUDENT],
): Segment {
  const { prompt: P, answer: A } = layout;
  const answer = tape.segment(tape.tokens(TOKEN_INPUTS.answerIds, P + A - 1), {
    after: before,
    adapters,
  });
  if (supervised === 'prompt')
    tape.crossEntropy('answer', weight, tape.rows(before.last, answer.finals()), {
      targets: TOKEN_INPUTS.replyTargets,
      weights: TOKEN_INPUTS.replyWeights,
    });
  else
    tape.crossEntropy('answer', weight, answer.finals(P - 1), {
      targets: TOKEN_INPUTS.answerTargets,
      weights: TOKEN_INPUTS.answerWeights,
    });
  return answer;
}

/**
 * Rationale, prompt and answer as text after the same question (LoRi-E): their mean cross entropy is the term
 * `explicit`. The question's last hidden state predicts the first token.
 */
export function explicitAfter(
  tape: Tape,
  question: Segment,
  { explicit: R }: TokenLayout,
  weight: number,
): void {
  if (weight === 0) return;
  const text = tape.segment(tape.tokens(TOKEN_INPUTS.explicitIds, R - 1), {
    after: question,
    adapters: [STUDENT],
  });
  tape.crossEntropy('explicit', weight, tape.rows(question.last, text.finals()), {
    targets: TOKEN_INPUTS.explicitTargets,
    weights: TOKEN_INPUTS.explicitWeights,
  });
}

/** Where in the answer segment the anchor is: the last token of the prompt (LoRi §3.3). */
export const anchorOf = ({ prompt }: TokenLayout): number => prompt - 1;
