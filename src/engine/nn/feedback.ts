import type { Tensor } from '../graph/graph';
import { applyModule, type ModuleSpec, moduleParameters } from './modules/modules';
import type { ParameterOf } from './parameters';
import { softmaxMixture, type VocabularyModel } from './vocabulary';

/** How a final hidden state becomes the next input embedding: softmax(logits/τ)·E, itself, or a module's value at it. */
export type Feedback =
  | { readonly kind: 'softmax'; readonly temperature: number }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'module'; readonly module: ModuleSpec };

/** A name that is the same for equal feedbacks only. */
export const feedbackName = (feedback: Feedback): string => {
  if (feedback.kind === 'softmax') return `softmax ${feedback.temperature}`;
  return feedback.kind === 'hidden' ? 'hidden' : `module ${JSON.stringify(feedback.module)}`;
};

/** Names of the parameters that it reads. */
export const feedbackParameters = (hiddenSize: number, feedback: Feedback): string[] =>
  feedback.kind === 'module' ? moduleParameters({ hiddenSize }, feedback.module).map(({ name }) => name) : [];

/** z [n, H] of final hidden states [n, H]. */
export function latentOf(
  model: VocabularyModel,
  hidden: Tensor,
  feedback: Feedback,
  parameter: ParameterOf,
): Tensor {
  if (feedback.kind === 'hidden') return hidden;
  if (feedback.kind === 'softmax') return softmaxMixture(model, hidden, feedback.temperature);
  return applyModule(model.config, feedback.module, hidden, parameter);
}
