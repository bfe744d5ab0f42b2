import type { LatentChoice } from '../../contract/calls';
import type { LatentSession } from '../../contract/events';
import { LATENT_DEFAULTS } from '../../contract/methods/shared';
import type { AppState } from './state';

/** How latent thoughts are computed: K, and what is fed back. */
export interface ShownLatents extends LatentChoice {
  readonly steps: number;
}

/**
 * What the Latents place shows and requests from the engine: for the trained student the settings it was trained with, for the
 * base those of the run form, for an opened student what its files say. K can be overridden.
 */
export function latentsOf({ latents, studentConfig, draft, lens }: AppState): ShownLatents {
  const trained = latents.student === 'trained' ? studentConfig : null;
  const config = trained ?? draft;
  // A method may say only how many there are.
  const own = { ...LATENT_DEFAULTS, ...('latent' in config && config.latent) } as ShownLatents;
  // A link says how the base made the latents that it shows.
  const { filter, temperature } = trained ? own : (latents.choice ?? own);
  if (latents.student === 'opened') return { ...LATENT_DEFAULTS, steps: lens.opened.value?.thoughts ?? 0 };
  const { steps } = own;
  return { filter, temperature, steps: trained && !('latent' in trained) ? 0 : steps };
}

type Shown = Pick<LatentSession, 'filter' | 'temperature'>;

/** What is fed back, in words. */
export const filterSentence = ({ filter, temperature }: Shown): string =>
  ({
    softmax: `Each latent thought is a mixture of token embeddings, weighted by softmax(logits/τ) with τ = ${temperature}.`,
    hidden: 'Each latent thought is the last hidden state itself.',
    module: 'Each latent thought is what a trained module makes of the last hidden state.',
    tokens: 'Each thought is a token that is the same for every question.',
  })[filter];

/** Which distribution the tokens beside a thought come from. */
export const shownSentence = ({ filter, temperature }: Shown): string =>
  ({
    softmax: `Tokens are shown with their weights in the mixture that is fed, softmax(logits/τ) at τ = ${temperature}.`,
    hidden: `The hidden state itself is fed; ${HEAD}.`,
    module: `What a trained module makes of the hidden state is fed; ${HEAD}.`,
    tokens: `Tokens that are the same for every question are fed; ${HEAD}.`,
  })[filter];

const HEAD = 'tokens are what the model’s head would predict from the hidden state, softmax(logits)';
