import { isFull, type RunConfig } from '../../../contract/config';
import { STORAGE_SHORT } from '../../../contract/weight-storage';
import { ConfigError } from '../../base/errors';
import type { DecoderConfig } from '../../nn/config';
import { ParameterSet } from '../../nn/parameter-set';
import type { ParameterSpecs } from '../../nn/parameters';
import type { Recipe, TrainingTokens } from './recipe';

/** What a run trains, by its recipe and its settings. */

/** Whether the model's own weights are trained, and whether adapters are beside them. */
export const trainedWeights = (
  recipe: Pick<Recipe, 'trainsWeights'>,
  config: RunConfig,
): ParameterSpecs['weights'] =>
  isFull(config) ? 'alone' : recipe.trainsWeights?.(config) ? 'all' : undefined;

/** Everything that a configuration trains. @param model as it is on the device, where its vocabulary may be in chunks */
export const parametersOf = (
  recipe: Recipe,
  config: RunConfig,
  model: DecoderConfig,
  training?: TrainingTokens,
): ParameterSet =>
  new ParameterSet(
    model,
    isFull(config) ? {} : recipe.adapters(config),
    recipe.modules?.(config, model, training) ?? [],
    trainedWeights(recipe, config),
  );

/**
 * Refuses what cannot be trained on the model, before anything is computed: the recipe's own refusals, and full fine-tuning of a model
 * whose matrices are kept in fewer bits, since what is trained would start from other values than the model computes with.
 * @throws ConfigError
 */
export function checkTrainable(recipe: Recipe, config: RunConfig, model: DecoderConfig): void {
  recipe.check?.(config, model);
  if (trainedWeights(recipe, config) && model.storage)
    throw new ConfigError(
      `all weights are to be trained, and those of the layers are kept in ${STORAGE_SHORT[model.storage]}`,
      'Keep the model in float32 (Model place, Storage), or train LoRA adapters (training.weights = lora).',
    );
}
