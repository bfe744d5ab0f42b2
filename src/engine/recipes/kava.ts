import type { ConfigOf } from '../../contract/config';
import type { Segment } from '../train/tape/entries';
import { compressionInputs } from './shared/compression-inputs';
import { matchKeyValues } from './shared/match-key-values';
import { readQuestion } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import { latentsSideBySide, recordSelfDistillation, thoughtModules } from './shared/self-distillation';

/**
 * KaVa: PCCoT's latents with CODI's terms, and the latents' keys and values, layer by layer and head by head, against as many of
 * the rationale's, kept by attention and redundancy in the same step; no gradient reaches those. Keys are compared as they are before
 * RoPE. Only the paper is known, at second hand.
 */
export const kava: Recipe<ConfigOf<'kava'>> = {
  rationale: ({ teacher }) => teacher.rationale,
  adapters: studentLora,
  modules: (config, model) => thoughtModules(config, model, 3),
  inputs: ({ latent }, training) => compressionInputs(training, latent.steps),
  reasoning: latentsSideBySide,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout, sizes }) {
    const question = readQuestion(tape, layout);
    const reasoning = kava.reasoning(config, tape.parameters.config);
    const { text, thoughts } = recordSelfDistillation(tape, question, layout, reasoning, config);
    matchKeyValues(tape, thoughts[0] as Segment, text, config, sizes?.chain as number);
  },
};
