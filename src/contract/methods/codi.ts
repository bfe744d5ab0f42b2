import { group, OURS, setting } from '../settings';
import { defineMethod } from './method';
import { STUDENT, TEACHER, taughtPaths } from './paths';
import {
  answerTerm,
  answerWeight,
  explicitTerm,
  explicitWeight,
  latentSettings,
  rationaleSetting,
  weight,
  weightHelp,
} from './shared';

/**
 * CODI-style: not CODI itself. Left out are the jointly trained teacher (the pair's is fixed), the begin- and
 * end-of-thought tokens, and the projection of latents.
 */
export const codi = defineMethod({
  id: 'codi',
  label: 'CODI-style',
  about: 'Distils at a single position: hidden states at the anchor token are pulled to the teacher’s.',
  source:
    'Shen et al., CODI, arXiv:2502.21074, §3.4, with the scaling of its code; without its jointly trained teacher',
  settings: () => ({
    latent: latentSettings,
    weights: group(
      { title: 'Loss weights' },
      {
        codi: setting(weight().default(1), {
          label: 'Anchor distance',
          tex: '\\gamma',
          help: weightHelp(
            'Weight of the smooth-L1 distance between hidden states at the anchor. CODI uses 1 for GPT-2 and 20 for Llama-3.2-1B.',
          ),
          source: OURS,
        }),
        answer: answerWeight,
        explicit: explicitWeight,
      },
    ),
    factors: group({ title: 'Teacher' }, { rationale: rationaleSetting }),
  }),
  loss: '\\mathcal{L} = \\gamma\\,\\mathcal{L}_{\\mathrm{anchor}} + \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}',
  paths: taughtPaths,
  terms: [
    {
      name: 'codi',
      label: 'anchor distance',
      tex: "\\gamma\\,\\tfrac1L\\textstyle\\sum_\\ell\\operatorname{smooth}_{L_1}(h_\\ell - h'_\\ell)/\\operatorname{std}(h'_\\ell)",
      unit: 'standard deviations of the teacher’s state, weighted',
      about: 'Full hidden states at the anchor token, against the teacher’s.',
      source: 'CODI §3.4',
      weight: 'weights.codi',
      sits: { path: STUDENT, at: ['prompt'], against: TEACHER },
    },
    answerTerm('x, z_{1:K}', 'CODI §3.3'),
    explicitTerm,
  ],
  presets: [
    {
      id: 'codi-128',
      name: 'CODI-style',
      about:
        'Hidden states at the anchor are pulled to the teacher’s by smooth L1, beside cross-entropy on the answer. Tuned for the bundled pair.',
      changes: {
        latent: { steps: 6 },
        weights: { answer: 1, codi: 20 },
        factors: { rationale: 'steps' },
        optimiser: { steps: 200, learningRate: 2e-3 },
      },
    },
  ],
});
