import { type Method, parseRunConfig, type RunConfig } from './config';

/** A named starting point of the page: what it is for, and the configuration. */
export interface Preset {
  readonly id: string;
  readonly label: string;
  readonly about: string;
  readonly config: RunConfig;
}

const of = (method: Method, label: string, about: string): Preset => ({
  id: `${method}-128`,
  label: `${label} · 128 samples`,
  about,
  config: parseRunConfig({ method }),
});

export const PRESETS: readonly Preset[] = [
  of(
    'lori',
    'LoRi',
    'Moments of the latent trajectory and the anchor state are drawn to the teacher’s, inside its low-rank subspace.',
  ),
  of(
    'codi',
    'CODI-style',
    'Only the hidden states at the anchor are drawn to the teacher’s (smooth L1), besides cross entropy.',
  ),
  of('ce', 'CE only', 'The same latents, trained by cross entropy on the answer alone.'),
  of('nocot', 'No-CoT', 'No latents: the answer is learned directly from the question.'),
];
