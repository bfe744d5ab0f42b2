import { group } from '../settings';
import { defineMethod } from './method';
import { type FedBack, fedBack, studentPath, writtenPath } from './paths';
import { answerTerm, answerWeight, explicitTerm, explicitWeight, latentSettings } from './shared';

/** The same latents without distillation: the baseline for distillation. */
export const ce = defineMethod({
  id: 'ce',
  label: 'CE only',
  about: 'The same latents, trained by cross-entropy on the answer alone, without a teacher.',
  source: 'the ablation without the distillation loss (CODI §4.4)',
  comparedAs: 'baseline',
  settings: () => ({
    latent: latentSettings,
    weights: group({ title: 'Loss weights' }, { answer: answerWeight, explicit: explicitWeight }),
  }),
  loss: '\\mathcal{L} = \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}',
  paths: ({ latent }: { readonly latent: FedBack }) => [
    studentPath('Latent path', fedBack(latent)),
    writtenPath(),
  ],
  terms: [answerTerm('x, z_{1:K}', 'LoRi §3.1'), explicitTerm],
  presets: [
    {
      id: 'ce-128',
      name: 'CE only',
      about:
        'The same latents, trained by cross-entropy on the answer alone, without a teacher. Tuned for the bundled pair.',
      changes: {
        latent: { steps: 6, filter: 'hidden' },
        weights: { answer: 1 },
        lora: { rank: 16 },
        optimiser: { steps: 100, learningRate: 2e-3 },
      },
    },
  ],
});
