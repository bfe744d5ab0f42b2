import type { ConfigOf } from '../../contract/config';
import { checkRanks, loriStreamed, loriTargets } from './shared/lori-targets';
import { anchorOf, answerAfter, explicitAfter, readQuestion, think } from './shared/passes';
import { feedbackBy, latentReasoning, type Recipe, studentLora } from './shared/recipe';

/**
 * LoRi: L = ω_C‖C_S − C_T‖² + ω_μ‖μ_S − μ_T‖² + β·L_anchor + λ·L_CE (LoRi §3.1–3.3). The teacher is read before
 * training, and only its factors, (μ_T, C_T) and anchor targets are kept. Ours: each layer is divided by the teacher's std, and ranks are reduced
 * to what the model and the samples span; the run's result names those that were.
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
    tape.stateLoss(losses.moments, tape.stack(thoughts));
    const answer = answerAfter(tape, thoughts.at(-1) ?? question, layout, weights.answer);
    tape.stateLoss(losses.anchor, answer.at(anchorOf(layout)));
  },
};
