import type { ConfigOf } from '../../contract/config';
import type { Segment } from '../train/tape/entries';
import { readQuestion } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import {
  latentsInTurn,
  projectedFeedback,
  recordSelfDistillation,
  thoughtModules,
} from './shared/self-distillation';
import { DECODER, explainSteps } from './shared/step-decoder';
import { stepInputs } from './shared/step-inputs';

type Config = ConfigOf<'sim-cot'>;

/**
 * SIM-CoT on CODI's latents: CODI's terms, and an auxiliary decoder that says each latent's step. Slot k is what would be fed after k
 * thoughts; the decoder reads it as its first input and predicts the step's tokens. Nothing is detached, so that the latents learn to
 * hold their steps. The decoder is the base with a LoRA of its own; the paper's is a copy of which all weights are trained.
 */
export const simCot: Recipe<Config> = {
  rationale: ({ teacher }) => teacher.rationale,
  adapters: (config) => ({ ...studentLora(config), [DECODER]: { kind: 'lora', ...config.lora } }),
  modules: (config, model) => thoughtModules(config, model, 2),
  inputs: ({ latent, decoder }, training) =>
    stepInputs(training, latent.steps + 1, decoder.targets === 'released'),
  reasoning: latentsInTurn,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout, sizes }) {
    const model = tape.parameters.config;
    const reasoning = simCot.reasoning(config, model);
    const { thoughts } = recordSelfDistillation(tape, readQuestion(tape, layout), layout, reasoning, config);
    const next = tape.feedback((thoughts.at(-1) as Segment).last, projectedFeedback(config, model));
    const slots = [...thoughts.map(({ fed }) => [fed]), [next]];
    explainSteps(tape, slots, sizes?.step as number, config.weights.explain);
  },
};
