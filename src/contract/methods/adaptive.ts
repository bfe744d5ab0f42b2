import { group } from '../settings';
import { adaptiveAblations } from './ablations/others';
import {
  ADAPTIVE_STEPS,
  ADAPTIVE_TRAINING,
  type AdaptivePaths,
  adaptivePath,
  adaptiveWritten,
  alignmentSettings,
  scheduleSettings,
  supervisedTerms,
  supervisedWeights,
} from './adaptive-settings';
import { defineMethod } from './method';

/** Adaptive latent reasoning, the supervised part. */
export const adaptive = defineMethod({
  id: 'adaptive',
  label: 'Adaptive latents',
  about:
    'Latents by a trained filter, and a stop head that decides after each one whether to reason on; aligned as in CODI.',
  source:
    'Ning, Kuo & Gomes, Learning When to Stop, §3.1 and 3.2, and its code. Left out of the code: a latent added to the end token, and dropping problems with negative answers',
  settings: () => ({
    latents: scheduleSettings,
    alignment: alignmentSettings,
    weights: group({ title: 'Loss weights' }, supervisedWeights),
  }),
  loss: '\\mathcal{L} = \\lambda_t\\mathcal{L}_{\\mathrm{teacher}} + \\mathcal{L}_{\\mathrm{student}} + \\gamma\\,\\mathcal{L}_{\\mathrm{KD}} + \\gamma_m\\mathcal{L}_{\\mathrm{meaned}}',
  paths: (run: AdaptivePaths) => [adaptivePath(run), adaptiveWritten],
  terms: supervisedTerms,
  presets: [
    {
      id: 'adaptive-128',
      name: 'Latent-5',
      about:
        'Five latents for every problem, and a stop head that learns to stop there. Tuned for the bundled pair: of six settings the first was the best.',
      changes: {
        latents: { bias: 5 },
        weights: { answer: 1 },
        optimiser: { steps: 300, learningRate: 2e-3 },
      },
    },
    {
      id: 'adaptive-by-1-128',
      name: 'Latent-1-by-1',
      about: 'One latent for each step of the problem, and one more. Tuned for the bundled pair.',
      changes: {
        latents: { factor: 1, bias: 1, min: 1, max: 8 },
        weights: { answer: 0.3, codi: 1, meaned: 1 },
        optimiser: { steps: 200, learningRate: 1e-3 },
      },
    },
    {
      id: 'adaptive-latent-6',
      name: 'Latent-6, table 1, Llama-3.2-1B',
      about: `What adaptive latent reasoning trains Llama-3.2-1B with: ${ADAPTIVE_STEPS}. Not for the bundled pair.`,
      paper: true,
      changes: {
        ...ADAPTIVE_TRAINING,
        latents: { bias: 6, min: 6, max: 6 },
      },
    },
    {
      id: 'adaptive-latent-6-by-1',
      name: 'Latent-6-by-1, table 1, Llama-3.2-1B',
      about: `As Latent-6, with one more latent for each step, ten at most; b is 6 in the paper and 5 in the options of its code. ${ADAPTIVE_STEPS}. Not for the bundled pair.`,
      paper: true,
      changes: {
        ...ADAPTIVE_TRAINING,
        latents: { factor: 1, bias: 6, max: 10 },
      },
    },
  ],
  ablations: adaptiveAblations,
});
