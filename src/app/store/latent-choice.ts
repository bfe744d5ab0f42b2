import type { LatentChoice } from '../../contract/calls';
import type { LatentSession } from '../../contract/events';
import { LATENT_DEFAULTS } from '../../contract/methods/shared';
import type { AppState } from './state';

/** How latent thoughts are computed: K, and what is fed back. */
export interface ShownLatents extends Pick<LatentSession, 'filter' | 'temperature'> {
  readonly steps: number;
}

/** The base model's: the settings of the run form, or a link's. */
export function baseLatents({ latents, draft }: AppState): LatentChoice & { readonly steps: number } {
  // A method may set only their number.
  const own = { ...LATENT_DEFAULTS, ...('latent' in draft && draft.latent) } as LatentChoice & {
    steps: number;
  };
  return { steps: own.steps, ...(latents.choice ?? { filter: own.filter, temperature: own.temperature }) };
}

/**
 * What the Latents place shows: for the trained student what the engine reports, for the base model the
 * settings of the run form, for an opened student what its files say. K can be overridden.
 */
export function latentsOf(state: AppState): ShownLatents {
  const { latents, studentConfig, student, lens } = state;
  if (latents.student === 'opened') return { ...LATENT_DEFAULTS, steps: lens.opened.value?.thoughts ?? 0 };
  if (latents.student === 'base' || !studentConfig) return baseLatents(state);
  if (student?.thoughts) {
    const { latentSteps: steps, filter, temperature } = student.thoughts;
    return { steps, filter, temperature };
  }
  const own = { ...LATENT_DEFAULTS, ...('latent' in studentConfig && studentConfig.latent) } as ShownLatents;
  return { ...own, steps: 'latent' in studentConfig ? own.steps : 0 };
}

type Shown = Pick<LatentSession, 'filter' | 'temperature'>;

/** What is fed back, in words. */
export const filterSentence = ({ filter, temperature }: Shown): string =>
  ({
    softmax: `Each latent thought is a mixture of token embeddings, weighted by softmax(logits/τ) with τ = ${temperature}.`,
    hidden: 'Each latent thought is the last hidden state itself.',
    module: 'Each latent thought is the output of a trained module applied to the last hidden state.',
    tokens: 'Each thought is a token that is the same for every question.',
  })[filter];

/** Which distribution the tokens beside a thought come from. */
export const shownSentence = ({ filter, temperature }: Shown): string =>
  ({
    softmax: `Tokens are shown with their weights in the mixture that is fed, softmax(logits/τ) at τ = ${temperature}.`,
    hidden: `The hidden state itself is fed; ${HEAD}.`,
    module: `The output of a trained module applied to the hidden state is fed; ${HEAD}.`,
    tokens: `Tokens that are the same for every question are fed; ${HEAD}.`,
  })[filter];

const HEAD = 'tokens are what the model’s head would predict from the hidden state, softmax(logits)';
