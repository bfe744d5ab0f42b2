import type { ConfigOf } from '../../contract/config';
import { added, BEGIN } from './shared/added-tokens';
import { compressionInputs } from './shared/compression-inputs';
import { matchKeyValues } from './shared/match-key-values';
import { readQuestion, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import {
  distil,
  explicitText,
  refined,
  refinedReasoning,
  replyPath,
  targetOf,
  thoughtModules,
} from './shared/self-distillation';

type Config = ConfigOf<'kava'>;

/**
 * KaVa: CODI's terms on PCCoT's latents, and their keys and values, layer by layer and head by head, against as many of the rationale's,
 * kept by attention and redundancy in the same step; no gradient reaches those. Keys are compared as they are before RoPE. Only the
 * paper is known, at second hand.
 */
export const kava: Recipe<Config> = {
  rationale: ({ teacher }) => teacher.rationale,
  adapters: studentLora,
  modules: (config, model) => thoughtModules(config, model, 3),
  inputs: ({ latent }, training) => compressionInputs(training, latent.steps),
  reasoning: refinedReasoning,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout, sizes }) {
    const question = readQuestion(tape, layout);
    const text = explicitText(tape, question, layout);
    const target = targetOf(tape, question, layout, config, text);
    const begun = tape.segment(added(tape, [BEGIN], config.tokens), { after: question, adapters: [STUDENT] });
    const thoughts = refined(tape, begun, config);
    distil(tape, replyPath(tape, thoughts, layout, config), layout, target, config);
    matchKeyValues(tape, thoughts, text, config, sizes?.chain as number);
  },
};
