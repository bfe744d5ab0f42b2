import { count, group, setting } from '../settings';
import { codiAblations } from './ablations/codi';
import { defineMethod } from './method';
import {
  answerPathWeight,
  CODI_RUNS,
  codiRunText,
  distillationSettings,
  distillationTerm,
  distillationWeight,
  explicitPathSettings,
  projectionSettings,
  selfPaths,
  studentTerm,
  supervisedSetting,
  teacherTerm,
  teacherWeight,
  thoughtTokenSettings,
} from './self-distillation';
import { MAX_LATENT_STEPS } from './shared';

/** Learning rates of CODI's code at 128 samples a step, by the model that is trained. */
export const PUBLISHED_RATES = {
  'GPT-2': CODI_RUNS.gpt2.optimiser.learningRate,
  'Llama-3.2-1B': CODI_RUNS['llama-1b'].optimiser.learningRate,
};

/** CODI as its paper and code have it. Its older relative here with a fixed teacher is a method of its own. */
export const codiSelf = defineMethod({
  id: 'codi-self',
  label: 'CODI',
  about:
    'One adapter learns to reason in words and in latents at once, and pulls the hidden states of the second at one token to those of the first.',
  source:
    'Shen et al., CODI, arXiv:2502.21074; options named for its code (commit 4fd88d4). Left out of the code: dropout in the projection, 0 in its scripts, and attention to the padding of a batch',
  settings: () => ({
    latent: group(
      { title: 'Latent steps', tex: 'z_{t+1} = \\operatorname{prj}(h_t)' },
      {
        steps: setting(count(1, MAX_LATENT_STEPS).default(6), {
          label: 'Latent steps',
          tex: 'K',
          unit: 'latents',
          help: 'How many latents are fed between the begin- and the end-of-thought token.',
          source: 'CODI figure 5: 6',
        }),
      },
    ),
    projection: projectionSettings,
    tokens: thoughtTokenSettings,
    weights: group(
      { title: 'Loss weights' },
      {
        answer: answerPathWeight,
        distillation: distillationWeight('CODI appendix A and F: 1 for GPT-2, 20 for Llama-3.2-1B'),
        teacher: teacherWeight,
      },
    ),
    teacher: explicitPathSettings,
    distillation: distillationSettings(
      { form: 'l1', scale: 'layer' },
      { form: 'CODI eq. 5; its code and figure A1 have smooth L1', scale: 'CODI §3.5' },
    ),
    answer: group(
      { title: 'Answer' },
      {
        supervised: supervisedSetting('prompt', 'CODI’s code; eq. 3 says the answer label'),
      },
    ),
  }),
  loss: '\\mathcal{L} = \\alpha\\,\\mathcal{L}_{\\mathrm{student}} + \\beta\\,\\mathcal{L}_{\\mathrm{KD}} + \\gamma\\,\\mathcal{L}_{\\mathrm{teacher}}',
  paths: selfPaths,
  terms: [
    studentTerm('CODI eq. 3'),
    distillationTerm('CODI eq. 5, divided by the std as in §3.5'),
    teacherTerm('CODI eq. 2'),
  ],
  presets: [
    {
      id: 'codi-tuned-128',
      name: 'CODI, tuned',
      about:
        'CODI tuned for the bundled pair: without the projection, and with the last step in the rationale.',
      changes: {
        latent: { steps: 5 },
        projection: { use: false },
        weights: { distillation: 0.3, teacher: 0.3 },
        teacher: { rationale: 'steps' },
        lora: { rank: 16 },
        optimiser: { steps: 200, learningRate: 2e-3 },
      },
    },
    {
      id: 'codi-self-128',
      name: 'CODI',
      about:
        'CODI with begin- and end-of-thought tokens, projection and its own explicit path as teacher, as the paper has it. Not tuned.',
      changes: { optimiser: { steps: 200, learningRate: 2e-3 } },
    },
    {
      id: 'codi-gpt2',
      name: 'CODI, table 1, GPT-2',
      about: `What CODI’s code trains GPT-2 with: ${codiRunText('gpt2')}. Not for the bundled pair.`,
      paper: true,
      changes: {
        ...CODI_RUNS.gpt2,
        projection: { width: 768 },
        distillation: { form: 'smooth-l1', embeddings: true },
        tokens: { trained: false, initial: 'mean' },
        teacher: { targetPass: 'own' },
      },
    },
    {
      id: 'codi-llama-1b',
      name: 'CODI, table 1, Llama-3.2-1B',
      about: `What CODI’s code trains Llama-3.2-1B with: ${codiRunText('llama-1b')}. Not for the bundled pair.`,
      paper: true,
      changes: {
        ...CODI_RUNS['llama-1b'],
        projection: { width: 2048 },
        distillation: { form: 'smooth-l1', embeddings: true, position: 'answer-start' },
        tokens: { trained: false, initial: 'mean' },
        teacher: { targetPass: 'own' },
        weights: { distillation: 20 },
      },
    },
  ],
  ablations: codiAblations,
});
