import type { ConfigOf } from '../../contract/config';
import { checkRanks, loriStreamed, loriTargets } from './shared/lori-targets';
import { anchorOf, answerAfter, explicitAfter, readQuestion, think } from './shared/passes';
import { feedbackBy, latentReasoning, type Recipe, studentLora } from './shared/recipe';

/**
 * LoRi §3: L = L_LR + λ·L_CE with L_LR = L_rationale + β·L_anchor.
 * - §3.2: the thoughts' hidden states H_S [B, K, L, H] have the mean and the second moment of the teacher's rationale, inside the
 *   teacher's subspace: L_rationale = ω_C‖C_S − C_T‖² + ω_μ‖μ_S − μ_T‖².
 * - §3.3: L_anchor compares the states at the last token of the answer prompt.
 * - §3.1: L_CE supervises the answer after the thoughts and, with a weight of its own, rationale and answer as text (LoRi-E).
 *
 * The teacher is read before training; its factors, (μ_T, C_T) and anchor targets are all that is kept of it
 * (shared/lori-targets.ts). Ours: each layer is divided by the standard deviation of the teacher's states, unless that is turned
 * off, and ranks are reduced to what the model and the samples span; the run's result names those that were.
 */
export const lori: Recipe<ConfigOf<'lori'>> = {
  check: checkRanks,
  adapters: studentLora,
  reasoning: latentReasoning,
  usesTeacher: ({ weights }) => weights.covariance > 0 || weights.mean > 0 || weights.anchor > 0,
  comparesStates: ({ weights }) =>
    (['covariance', 'mean', 'anchor'] as const).filter((term) => weights[term] > 0),
  streamed: loriStreamed,
  targets: loriTargets,
  record(tape, { config, layout, losses }) {
    const { latent, weights } = config;
    const question = readQuestion(tape, layout);
    explicitAfter(tape, question, layout, weights.explicit);
    const thoughts = think(tape, question, latent.steps, feedbackBy(latent));
    tape.stateLoss(losses.rationale, tape.stack(thoughts));
    const answer = answerAfter(tape, thoughts.at(-1) ?? question, layout, weights.answer);
    tape.stateLoss(losses.anchor, answer.at(anchorOf(layout)));
  },
};
