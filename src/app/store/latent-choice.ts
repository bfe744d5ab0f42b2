import type { LatentChoice } from '../../contract/calls';
import { LATENT_DEFAULTS } from '../../contract/methods/shared';
import type { AppState } from './state';

/** How latent thoughts are computed: K, and what is fed back. */
export interface ShownLatents extends LatentChoice {
  readonly steps: number;
}

/**
 * What the Latents place shows and requests from the engine: for the trained student the settings it was trained with, for the
 * base those of the run form. K can be overridden.
 */
export function latentsOf({ latents, studentConfig, draft }: AppState): ShownLatents {
  const trained = latents.student === 'trained' ? studentConfig : null;
  const config = trained ?? draft;
  const { filter, temperature, steps } = {
    ...LATENT_DEFAULTS,
    ...('latent' in config && config.latent),
  } as ShownLatents;
  return { filter, temperature, steps: trained && !('latent' in trained) ? 0 : steps };
}

/** What is fed back, in words. */
export const filterSentence = ({ filter, temperature }: LatentChoice): string =>
  filter === 'softmax'
    ? `Each latent thought is a mixture of token embeddings, weighted by softmax(logits/τ) with τ = ${temperature}.`
    : 'Each latent thought is the last hidden state itself.';

/** Which distribution the tokens beside a thought come from. */
export const shownSentence = ({ filter, temperature }: LatentChoice): string =>
  filter === 'softmax'
    ? `Tokens are shown with their weights in the mixture that is fed, softmax(logits/τ) at τ = ${temperature}.`
    : 'The hidden state itself is fed; tokens are what the model’s head would predict from it, softmax(logits).';
