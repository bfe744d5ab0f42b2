import { z } from 'zod';
import { count, group, setting } from '../settings';
import { defineMethod } from './method';
import { latents, rationale } from './paths';
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
import { MAX_LATENT_STEPS, weight, weightHelp } from './shared';

/** SIM-CoT on CODI's latents. */
export const simCot = defineMethod({
  id: 'sim-cot',
  label: 'SIM-CoT',
  about:
    'CODI, with an auxiliary decoder that must say each step from its latent; it is not needed once the student is trained.',
  source:
    'Wei et al., SIM-CoT, arXiv:2509.20317, its variant on CODI; options named for its code (commit f3ae967). The decoder is the base with a LoRA of its own, not a copy that is trained whole, nor another model. Its variant on Coconut is a weight of Coconut’s settings',
  without: {
    training:
      'the student and the auxiliary decoder are two adapters on the same weights, which cannot be trained as two',
  },
  settings: () => ({
    latent: group(
      { title: 'Latent steps', tex: 'z_{t+1} = \\operatorname{prj}(h_t)' },
      {
        steps: setting(count(1, MAX_LATENT_STEPS).default(6), {
          label: 'Latent steps',
          tex: 'K',
          unit: 'latents',
          help: 'How many latents are fed. There is one slot more: the vector that would follow the last one has a step too.',
          source: 'SIM-CoT’s scripts on CODI: 6, with 7 slots',
        }),
      },
    ),
    projection: projectionSettings,
    tokens: thoughtTokenSettings,
    decoder: group(
      { title: 'Auxiliary decoder', tex: '\\mathcal{L}_{\\mathrm{CE}}(s_k \\mid z_k)' },
      {
        targets: setting(z.enum(['steps', 'released']).default('steps'), {
          label: 'Targets',
          help: 'Step k for slot k; steps beyond the slots are joined in the last one. The released code cuts them: no row keeps more tokens in a slot than the batch’s first row and one.',
          source: 'SIM-CoT §3; its code as released',
          options: { steps: 'each row’s own step', released: 'cut by the first row, as released' },
        }),
      },
    ),
    weights: group(
      { title: 'Loss weights' },
      {
        answer: answerPathWeight,
        distillation: distillationWeight('SIM-CoT’s scripts: 1 for GPT-2, 20 for Llama-3.2-1B'),
        teacher: teacherWeight,
        explain: setting(weight().default(1), {
          label: 'Steps',
          tex: '\\delta',
          help: weightHelp('Weight of the cross-entropy of the steps in the auxiliary decoder.'),
          source: 'SIM-CoT’s scripts: factor 1',
        }),
      },
    ),
    teacher: explicitPathSettings,
    distillation: distillationSettings(
      { form: 'smooth-l1', scale: 'layer' },
      { form: 'SIM-CoT’s code, as CODI’s', scale: 'CODI §3.5' },
    ),
    answer: group(
      { title: 'Answer' },
      { supervised: supervisedSetting('prompt', 'SIM-CoT’s code, as CODI’s') },
    ),
  }),
  loss: '\\mathcal{L} = \\alpha\\,\\mathcal{L}_{\\mathrm{student}} + \\beta\\,\\mathcal{L}_{\\mathrm{KD}} + \\gamma\\,\\mathcal{L}_{\\mathrm{teacher}} + \\delta\\,\\mathcal{L}_{\\mathrm{step}}',
  paths: (run: Parameters<typeof selfPaths>[0]) => [
    ...selfPaths(run),
    {
      ...{
        id: 'decoder',
        label: 'Auxiliary decoder, for each latent',
        model: 'base',
        adapters: ['LoRA of its own'],
      },
      parts: [latents('latent k', 'of the latent path'), rationale('step k')],
    },
  ],
  terms: [
    studentTerm('CODI eq. 3'),
    distillationTerm('CODI eq. 5, divided by the std as in §3.5'),
    teacherTerm('CODI eq. 2'),
    {
      name: 'explain',
      label: 'steps',
      tex: '\\delta\\,\\tfrac{1}{|K|}\\textstyle\\sum_k \\mathcal{L}_{\\mathrm{CE}}(s_k\\mid z_k)',
      unit: 'nats per token of a step, weighted',
      about:
        'Cross-entropy of each step, read by the auxiliary decoder from its slot’s vector; the mean over slots that have one.',
      source: 'SIM-CoT §3, its code’s explain loss',
      weight: 'weights.explain',
      sits: { path: 'decoder', at: ['reasoning'], on: 'text' },
    },
  ],
  presets: [
    {
      id: 'sim-cot-128',
      name: 'SIM-CoT',
      about: 'CODI with an auxiliary decoder of the steps. Tuned for the bundled pair.',
      changes: {
        latent: { steps: 5 },
        weights: { distillation: 0.3, explain: 0.3 },
        lora: { rank: 16 },
        optimiser: { steps: 200, learningRate: 1e-3 },
      },
    },
    {
      id: 'sim-cot-llama-1b',
      name: 'SIM-CoT, Llama-3.2-1B',
      about:
        'What SIM-CoT’s script on CODI trains Llama-3.2-1B with: 10 epochs, here over 4096 samples rather than 385,620, 128 a step. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        projection: { width: 2048 },
        distillation: { embeddings: true, position: 'answer-start' },
        tokens: { trained: false, initial: 'mean' },
        teacher: { targetPass: 'own' },
        weights: { distillation: 20 },
        lora: CODI_TRAINING.lora,
        optimiser: { ...CODI_TRAINING.optimiser, steps: 320, batch: 32, accumulation: 4, learningRate: 8e-4 },
      },
    },
    ...(
      [
        ['gpt2', 'GPT-2', 768, 1, 1280, 3e-3, 64, 2, '40'],
        ['llama-3b', 'Llama-3.2-3B', 3072, 20, 256, 3e-4, 32, 4, '8'],
        ['llama-8b', 'Llama-3.1-8B', 4096, 20, 192, 1e-4, 8, 16, '6'],
      ] as const
    ).map(([id, model, width, distillation, steps, learningRate, batch, accumulation, epochs]) => ({
      id: `sim-cot-${id}`,
      name: `SIM-CoT, ${model}`,
      about: `What SIM-CoT’s script on CODI trains ${model} with: ${epochs} epochs, here over 4096 samples rather than 385,620, 128 a step${id === 'gpt2' ? '' : '; the distillation’s weight is that of Llama-3.2-1B'}. Not for the bundled pair.`,
      paper: true,
      changes: {
        data: { samples: 4096 },
        projection: { width },
        distillation: { embeddings: true, ...(id !== 'gpt2' && { position: 'answer-start' }) },
        tokens: { trained: false, initial: 'mean' },
        teacher: { targetPass: 'own' },
        weights: { distillation },
        lora: CODI_TRAINING.lora,
        optimiser: { ...CODI_TRAINING.optimiser, steps, batch, accumulation, learningRate },
      },
    })),
  ],
});
