import { count, group, setting } from '../settings';
import { pccotAblations } from './ablations/others';
import { defineMethod } from './method';
import {
  answerPathWeight,
  CODI_TRAINING,
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

/** CODI's distillation with latents that are refined in parallel rather than one after another. */
export const pccot = defineMethod({
  id: 'pccot',
  label: 'PCCoT',
  about:
    'All latents at once, refined by T parallel passes; distilled like CODI. T = 0 leaves plain learned tokens, T ≥ c computes what one latent after another does.',
  source:
    'Wu et al., PCCoT, arXiv:2506.18582; options named for its code (commit 2e32e3e). Left out of the code: training the embeddings of the padding and end tokens, and attention to the padding of a batch',
  settings: () => ({
    latent: group(
      { title: 'Latent steps', tex: 'z^{(t+1)}_{j+1} = \\operatorname{prj}\\big(h_j(z^{(t)})\\big)' },
      {
        steps: setting(count(1, MAX_LATENT_STEPS).default(24), {
          label: 'Latents',
          tex: 'c',
          unit: 'latents',
          help: 'How many latents are refined side by side.',
          source: 'PCCoT’s script for GPT-2: 24; its authors use 6 for Llama-3.2-1B',
        }),
        iterations: setting(count(0, MAX_LATENT_STEPS).default(3), {
          label: 'Jacobi iterations',
          tex: 'T',
          unit: 'passes',
          help: 'Parallel passes over the latents after the first over their learned tokens. After pass t the first t latents are what sequential latents would be.',
          source: 'PCCoT’s script for GPT-2: 3; more hurt with 24 latents',
        }),
      },
    ),
    projection: projectionSettings,
    tokens: thoughtTokenSettings,
    weights: group(
      { title: 'Loss weights' },
      {
        answer: answerPathWeight,
        distillation: distillationWeight('PCCoT: 1; its authors use 20 for Llama-3.2-1B'),
        teacher: teacherWeight,
      },
    ),
    teacher: explicitPathSettings,
    distillation: distillationSettings(
      { form: 'smooth-l1', scale: 'layer' },
      { form: 'PCCoT’s code', scale: 'PCCoT’s code: by layer, or over all layers without use_layerwise_std' },
    ),
    answer: group({ title: 'Answer' }, { supervised: supervisedSetting('prompt', 'PCCoT’s code') }),
  }),
  loss: '\\mathcal{L} = \\alpha\\,\\mathcal{L}_{\\mathrm{student}} + \\beta\\,\\mathcal{L}_{\\mathrm{KD}} + \\gamma\\,\\mathcal{L}_{\\mathrm{teacher}}',
  paths: selfPaths,
  terms: [studentTerm('PCCoT'), distillationTerm('PCCoT, as CODI eq. 5'), teacherTerm('PCCoT')],
  presets: [
    {
      id: 'pccot-128',
      name: 'PCCoT',
      about:
        'Latents refined in parallel, distilled from the student’s own explicit path. Five latents, five iterations: as many as make them what one after another would be. Tuned for the bundled pair.',
      changes: {
        latent: { steps: 5, iterations: 5 },
        weights: { distillation: 5 },
        optimiser: { steps: 200, learningRate: 2e-3 },
      },
    },
    {
      id: 'pccot-gpt2',
      name: 'PCCoT, GPT-2',
      about:
        'What PCCoT’s script trains GPT-2 with: 40 epochs, here over 4096 samples rather than 385,620, 128 a step. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        tokens: { initial: 'mean' },
        lora: CODI_TRAINING.lora,
        optimiser: {
          ...{ steps: 1280, batch: 32, accumulation: 4, learningRate: 3e-3 },
          ...{ warmup: 0.03, weightDecay: 0.01, clip: 1 },
        },
      },
    },
    {
      id: 'pccot-llama-1b',
      name: 'PCCoT, Llama-3.2-1B',
      about:
        'What PCCoT’s authors train Llama-3.2-1B with: 10 epochs, here over 4096 samples rather than 385,620, 32 a step. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        tokens: { initial: 'mean' },
        latent: { steps: 6, iterations: 6 },
        weights: { distillation: 20 },
        distillation: { scale: 'all' },
        lora: CODI_TRAINING.lora,
        optimiser: {
          ...{ steps: 1280, batch: 32, learningRate: 8e-4 },
          ...{ warmup: 0.03, weightDecay: 0.1, clip: 1 },
        },
      },
    },
  ],
  ablations: pccotAblations,
});
