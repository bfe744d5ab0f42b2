import type { ConfigOf } from '../../contract/config';
import { smoothL1Loss } from './shared/losses/smooth-l1';
import { anchorOf, answerAfter, explicitAfter, readQuestion, think } from './shared/passes';
import { feedbackBy, latentReasoning, type Recipe, studentLora } from './shared/recipe';
import { readAnchors } from './shared/teacher';

/**
 * CODI-style: latents as in LoRi, distilled at one position only: smooth L1 between the student's and the teacher's hidden
 * states at the anchor, divided by the teacher's std (CODI §3.4, scaled as in its code). Left out, compared with CODI:
 * joint training of the teacher (the pair's teacher is fixed), begin- and end-of-thought tokens, the projection of latents.
 */
export const codi: Recipe<ConfigOf<'codi'>> = {
  adapters: studentLora,
  reasoning: latentReasoning,
  usesTeacher: ({ weights }) => weights.codi > 0,
  targets: async ({ weights }, { layers, hiddenSize: hidden }, teacher) => ({
    losses: {
      anchor:
        weights.codi > 0
          ? smoothL1Loss(await readAnchors(teacher), weights.codi, { layers, hidden })
          : undefined,
    },
  }),
  record(tape, { config, layout, losses }) {
    const { latent, weights } = config;
    const question = readQuestion(tape, layout);
    explicitAfter(tape, question, layout, weights.explicit);
    const thoughts = think(tape, question, latent.steps, feedbackBy(latent));
    const answer = answerAfter(tape, thoughts.at(-1) ?? question, layout, weights.answer);
    tape.stateLoss(losses.anchor, answer.at(anchorOf(layout)));
  },
};
