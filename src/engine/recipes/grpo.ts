import type { ConfigOf } from '../../contract/config';
import { REINFORCED } from '../../contract/methods/grpo';
import { ConfigError } from '../base/errors';
import { adaptiveModules, adaptiveReasoning } from './shared/adaptive-path';
import { checkAdaptive, recordSupervised, supervisedInputs } from './shared/adaptive-sft';
import { policyInputs } from './shared/policy-inputs';
import { recordPolicy, recordReference } from './shared/policy-step';
import { type Recipe, studentLora } from './shared/recipe';

/**
 * Adaptive latent reasoning, whole (§3): supervised, then GRPO. Its code trains a second LoRA in the second part, over the first
 * one merged; here the same adapter trains on, and the reference is a copy of its values from when that part began.
 */
export const grpo: Recipe<ConfigOf<'grpo'>> = {
  check(config, model) {
    checkAdaptive(config, model);
    const { batch } = config.optimiser;
    const { group } = config.reinforcement;
    const { policy, kl } = config.weights;
    if (policy === 0 && kl === 0 && config.optimiser.steps > config.reinforcement.supervisedSteps)
      throw new ConfigError(
        'the reinforced stage has no loss: its weights are 0',
        'Give the policy gradient a weight, or train no longer than the supervised steps.',
      );
    if (batch % group !== 0)
      throw new ConfigError(
        `a batch of ${batch} in groups of ${group}`,
        'Choose a batch size that is a multiple of the group.',
      );
  },
  adapters: studentLora,
  modules: ({ latents }, model) => adaptiveModules(latents, model),
  rationale: ({ alignment: { dropLast } }) => (dropLast ? 'all-but-last' : 'steps'),
  reasoning: ({ latents }) => adaptiveReasoning(latents),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  inputs: (config, training, stage) =>
    stage === REINFORCED ? policyInputs(config, training) : supervisedInputs(config, training),
  samplesOf({ reinforcement: { share } }, count, stage) {
    const kept = Math.min(count - 1, Math.round(share * count));
    if (kept === 0) return [0, count];
    return stage === REINFORCED ? [count - kept, count] : [0, count - kept];
  },
  optimised: ({ optimiser, reinforcement: { rate, warmup, weightDecay } }, stage) =>
    stage === REINFORCED ? { learningRate: rate * optimiser.learningRate, warmup, weightDecay } : optimiser,
  startsAnew: (_config, { stageBegins }) => stageBegins,
  record: (tape, recording) =>
    recording.stage === REINFORCED ? recordPolicy(tape, recording) : recordSupervised(tape, recording),
  recordReference,
};
