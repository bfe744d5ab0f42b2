import type { TokenLayout } from '../../base/tokens';
import type { Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { CHAIN_INPUTS } from './chain-inputs';
import { explicitText } from './passes';
import { TOKEN_INPUTS } from './token-inputs';

/**
 * Rationale, prompt and answer as text after the question, forced token by token: cross entropy as two means over the
 * batch, the term `chain` of rationale and prompt and the term `chainAnswer` of the answer (DART §3.1).
 */
export function chainAfter(
  tape: Tape,
  question: Segment,
  layout: TokenLayout,
  weights: { readonly chain: number; readonly chainAnswer: number },
): Segment {
  const text = explicitText(tape, question, layout);
  const states = tape.rows(question.last, text.finals());
  const targets = TOKEN_INPUTS.explicitTargets;
  tape.crossEntropy('chain', weights.chain, states, { targets, weights: CHAIN_INPUTS.chainWeights });
  tape.crossEntropy('chainAnswer', weights.chainAnswer, states, {
    targets,
    weights: CHAIN_INPUTS.answerWeights,
  });
  return text;
}
