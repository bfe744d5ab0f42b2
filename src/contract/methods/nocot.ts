import { group, OURS } from '../settings';
import { ADAPTIVE_BASELINE_TRAINING, ADAPTIVE_STEPS } from './adaptive-settings';
import { defineMethod } from './method';
import { onSupervised, studentPath } from './paths';
import { CODI_MODELS, CODI_RUNS, codiRunText, supervisedSetting } from './self-distillation';
import { answerTerm, plainAnswerWeight } from './shared';

/** The answer straight after the question: supervised fine-tuning without reasoning. */
export const nocot = defineMethod({
  id: 'nocot',
  label: 'No-CoT',
  about: 'No latents: the answer is learned directly from the question.',
  source: 'the No-CoT-SFT baseline of LoRi table 1 and CODI table 1',
  settings: () => ({
    weights: group({ title: 'Loss weights' }, { answer: plainAnswerWeight }),
    answer: group({ title: 'Answer' }, { supervised: supervisedSetting('answer', OURS) }),
  }),
  loss: '\\mathcal{L} = \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}',
  paths: [studentPath('Direct path')],
  terms: [{ ...answerTerm('x', 'LoRi table 1'), sits: onSupervised }],
  presets: [
    {
      id: 'nocot-128',
      name: 'No-CoT',
      about: 'No latents: the answer is learned directly from the question. Tuned for the bundled pair.',
      changes: { weights: { answer: 1 }, optimiser: { steps: 100, learningRate: 1e-3 } },
    },
    {
      id: 'nocot-llama-1b',
      name: 'No-CoT, adaptive latent reasoning, table 1, Llama-3.2-1B',
      about: `No-CoT as adaptive latent reasoning trains it: ${ADAPTIVE_STEPS}, at a rate of 1e-4. Not for the bundled pair.`,
      paper: true,
      changes: { ...ADAPTIVE_BASELINE_TRAINING, weights: { answer: 1 } },
    },
    ...CODI_MODELS.map(([id, model]) => ({
      id: `nocot-codi-${id}`,
      name: `No-CoT, CODI table 1, ${model}`,
      about: `No-CoT-SFT, trained as CODI trains ${model} (appendix A): ${codiRunText(id)}. The cross-entropy covers the answer prompt too, as that of CODI’s own answers does in its code. Not for the bundled pair.`,
      paper: true,
      changes: { ...CODI_RUNS[id], weights: { answer: 1 }, answer: { supervised: 'prompt' } },
    })),
  ],
});
