import type { ConfigOf } from '../../contract/config';
import { ConfigError } from '../base/errors';
import type { Finals } from '../train/tape/entries';
import { answerAfter, readQuestion, think } from './shared/passes';
import { feedbackBy, latentReasoning, type Recipe, studentLora } from './shared/recipe';
import { GOLD_INPUTS, goldInputs } from './shared/step-inputs';

/** Number of blocks of latents, one for each gold step. */
const blocksOf = ({ latent, gold }: ConfigOf<'lotus'>): number => latent.steps / gold.width;

/**
 * LOTUS-style: latents that say the gold steps through the model's own head: the final state of latent j in block i predicts
 * token j of step i. Ours: or the state before it does, of which the latent is made. Left out, compared with LOTUS: blocks
 * that are looped in place (latents follow one another here), its curriculum, and the training of all weights.
 */
export const lotus: Recipe<ConfigOf<'lotus'>> = {
  check({ latent, gold }) {
    if (latent.steps % gold.width !== 0)
      throw new ConfigError(
        `${latent.steps} latent steps in blocks of ${gold.width}`,
        'Choose a number of latent steps that the block size divides.',
      );
  },
  adapters: studentLora,
  rationale: ({ gold }) => gold.of,
  inputs: (config, training) => goldInputs(training, blocksOf(config), config.gold.width),
  reasoning: latentReasoning,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const { latent, gold, weights } = config;
    const question = readQuestion(tape, layout);
    const thoughts = think(tape, question, latent.steps, feedbackBy(latent));
    const read = gold.at === 'latent' ? thoughts : [question, ...thoughts.slice(0, -1)];
    const states = read.map(({ last }) => last) as [Finals, ...Finals[]];
    tape.crossEntropy('gold', weights.gold, tape.rows(...states), GOLD_INPUTS);
    answerAfter(tape, thoughts.at(-1) ?? question, layout, weights.answer);
  },
};
