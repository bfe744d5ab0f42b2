import { METHOD_LABELS, type Method, parseRunConfig, type RunConfig } from './config';

/** A named starting point of the page: what it is for, and the configuration. */
export interface Preset {
  readonly id: string;
  readonly label: string;
  readonly about: string;
  readonly config: RunConfig;
}

/** Values that differ from the configuration's defaults, which are LoRi's. */
type Changes = {
  readonly [K in keyof RunConfig]?: RunConfig[K] extends object ? Partial<RunConfig[K]> : RunConfig[K];
};

const preset = (id: string, label: string, about: string, method: Method, changes: Changes = {}): Preset => ({
  id,
  label: `${label} · 128 samples`,
  about,
  config: parseRunConfig({ ...changes, method }),
});

/**
 * One a method, each with the best values found for it on validation problems, at the same number of samples (docs/log.md).
 * LoRi needs half the steps of the others. `lori-steps-128` is LoRi with the statistics the paper takes, over whole rationales.
 */
export const PRESETS: readonly Preset[] = [
  preset(
    'lori-128',
    METHOD_LABELS.lori,
    'Moments of the latent trajectory are drawn to the teacher’s, inside its low-rank subspace. Ours: the teacher is forced on the results of the steps, and β is 0.',
    'lori',
  ),
  preset(
    'lori-steps-128',
    'LoRi, whole rationales',
    'Moments and the anchor state, with the statistics the paper takes: over every token of the teacher’s rationale.',
    'lori',
    {
      factors: { rationale: 'steps', hiddenRank: 64 },
      weights: { covariance: 4.6e-8, mean: 0.00117, anchor: 0.125, answer: 1 },
      optimiser: { steps: 300, learningRate: 1e-3 },
    },
  ),
  preset(
    'codi-128',
    METHOD_LABELS.codi,
    'Only the hidden states at the anchor are drawn to the teacher’s (smooth L1), besides cross entropy.',
    'codi',
    {
      factors: { rationale: 'steps' },
      weights: { answer: 1, codi: 1 },
      optimiser: { steps: 300, learningRate: 2e-3 },
    },
  ),
  preset(
    'ce-128',
    METHOD_LABELS.ce,
    'The same latents, trained by cross entropy on the answer alone.',
    'ce',
    {
      weights: { answer: 1 },
      optimiser: { steps: 300, learningRate: 2e-3 },
    },
  ),
  preset(
    'nocot-128',
    METHOD_LABELS.nocot,
    'No latents: the answer is learned directly from the question.',
    'nocot',
    {
      weights: { answer: 1 },
      optimiser: { steps: 300, learningRate: 3e-3 },
    },
  ),
];
