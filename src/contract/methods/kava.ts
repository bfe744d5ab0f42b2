import { z } from 'zod';
import { count, group, setting } from '../settings';
import { defineMethod } from './method';
import { STUDENT, WRITTEN } from './paths';
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

const NOTED = 'KaVa, known at second hand';

/** KaVa. There is no code and no checkpoint; what the sources leave open is a setting or said in its help. */
export const kava = defineMethod({
  id: 'kava',
  label: 'KaVa',
  about:
    'PCCoT’s latents, whose keys and values are pulled to a compressed copy of those the same model has for its written rationale.',
  source:
    'KaVa, arXiv:2510.02312: only the paper is known, and here only at second hand; no code and no weights are published. Ours: keys are compared before RoPE, kept tokens stay in the order of time, and a rationale shorter than the latents is matched by as many',
  settings: () => ({
    latent: group(
      { title: 'Latent steps', tex: 'z^{(t+1)}_{j+1} = \\operatorname{prj}\\big(h_j(z^{(t)})\\big)' },
      {
        steps: setting(count(1, MAX_LATENT_STEPS).default(24), {
          label: 'Latents',
          tex: 'M',
          unit: 'latents',
          help: 'How many latents are refined side by side, and how many tokens of the rationale are kept in each layer and head.',
          source: `${NOTED}: 24`,
        }),
        iterations: setting(count(1, MAX_LATENT_STEPS).default(3), {
          label: 'Jacobi iterations',
          tex: 'T',
          unit: 'passes',
          help: 'Parallel passes over the latents; with T ≥ M they are what one latent after another would be.',
          source: `${NOTED}: 3 is best`,
        }),
      },
    ),
    projection: projectionSettings,
    tokens: thoughtTokenSettings,
    keyValues: group(
      { title: 'Keys and values', tex: 'S = \\lambda I + (1-\\lambda) R' },
      {
        importance: setting(z.number().min(0).max(1).default(0.1), {
          label: 'Importance',
          tex: '\\lambda',
          help: 'Share of the answer’s attention in the score by which rationale tokens are kept; the rest is how unlike their key is to the others. Attention is averaged over the heads that share a key.',
          source: `${NOTED}: 0.1`,
        }),
        kind: setting(z.enum(['smooth-l1', 'mse']).default('smooth-l1'), {
          label: 'Distance',
          help: 'Smooth L1, or the squared difference.',
          source: `${NOTED}: table 6 has both, by model`,
          options: { 'smooth-l1': 'smooth L1', mse: 'squared difference' },
        }),
        over: setting(z.enum(['mean', 'sum']).default('mean'), {
          label: 'Over the head size',
          help: 'The formula as noted is a sum, the losses it names are means.',
          source: 'a choice of this project: the sources disagree',
          options: { mean: 'mean', sum: 'sum' },
        }),
        scaled: setting(z.boolean().default(true), {
          label: 'Divide by the std',
          help: 'Divide by the standard deviation of the kept keys, and of the kept values, of each layer in the batch.',
          source: `${NOTED}: table 6 has both, by model`,
        }),
      },
    ),
    weights: group(
      { title: 'Loss weights' },
      {
        answer: answerPathWeight,
        distillation: distillationWeight(
          `${NOTED}: 10, 20 for Llama-3.2-3B (table 6); the default is this app’s own choice`,
        ),
        teacher: teacherWeight,
        keyValues: setting(weight().default(1), {
          label: 'Keys and values',
          tex: '\\alpha_2',
          help: weightHelp('Weight of the distance between keys and values.'),
          source: `${NOTED}: 1, 2 for Llama-3.2-3B (table 6)`,
        }),
      },
    ),
    teacher: explicitPathSettings,
    distillation: distillationSettings(
      { form: 'smooth-l1', scale: 'layer' },
      { form: `${NOTED}: as CODI and PCCoT`, scale: `${NOTED}: as CODI and PCCoT` },
    ),
    answer: group({ title: 'Answer' }, { supervised: supervisedSetting('prompt', 'PCCoT’s code') }),
  }),
  loss: '\\mathcal{L} = \\alpha\\,\\mathcal{L}_{\\mathrm{student}} + \\gamma\\,\\mathcal{L}_{\\mathrm{teacher}} + \\beta\\,\\mathcal{L}_{\\mathrm{KD}} + \\alpha_2\\,\\mathcal{L}_{\\mathrm{KV}}',
  paths: selfPaths,
  terms: [
    studentTerm('PCCoT'),
    distillationTerm('PCCoT, as CODI eq. 5'),
    teacherTerm('PCCoT'),
    {
      name: 'keyValues',
      label: 'keys and values',
      tex: '\\alpha_2\\,\\tfrac{1}{2M}\\big(\\lVert\\operatorname{sg}\\tilde K - K\\rVert_p^p + \\lVert\\operatorname{sg}\\tilde V - V\\rVert_p^p\\big)',
      unit: 'distance of a key’s or value’s element, weighted',
      about:
        'Keys and values of the latents against the kept ones of the rationale; the mean over layers and heads.',
      source: NOTED,
      weight: 'weights.keyValues',
      sits: { path: STUDENT, at: ['reasoning'], against: WRITTEN },
    },
  ],
  presets: [
    {
      id: 'kava-128',
      name: 'KaVa',
      about:
        'Latents refined in parallel, with keys and values after those of the written rationale. Tuned for the bundled pair.',
      changes: {
        latent: { steps: 10, iterations: 3 },
        weights: { distillation: 1, keyValues: 3 },
        optimiser: { steps: 200, learningRate: 1e-3 },
      },
    },
    {
      id: 'kava-llama-1b',
      name: 'KaVa, table 6, Llama-3.2-1B on equations',
      about:
        'The values noted from KaVa’s table 6: 10 epochs, here over 4096 samples rather than 385,620, 128 a step. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        weights: { distillation: 10, keyValues: 1 },
        lora: CODI_TRAINING.lora,
        optimiser: {
          ...{ steps: 320, batch: 32, accumulation: 4, learningRate: 8e-4 },
          ...{ warmup: 0.03, weightDecay: 0.1, clip: 2 },
        },
      },
    },
    {
      id: 'kava-qwen-0.5b',
      name: 'KaVa, table 6, Qwen2.5-0.5B on equations',
      about:
        'The values noted from KaVa’s table 6: 10 epochs, here over 4096 samples rather than 385,620, 128 a step. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        keyValues: { kind: 'mse', scaled: false },
        weights: { distillation: 10, keyValues: 1 },
        lora: CODI_TRAINING.lora,
        optimiser: {
          ...{ steps: 320, batch: 32, accumulation: 4, learningRate: 5e-4 },
          ...{ warmup: 0.03, weightDecay: 0.01, clip: 2 },
        },
      },
    },
    {
      id: 'kava-llama-1b-nl',
      formerly: ['kava-qwen-0.5b-nl'],
      name: 'KaVa, table 6, Llama-3.2-1B and Qwen2.5-0.5B on sentences',
      about:
        'The values noted from KaVa’s table 6 for rationales in sentences, which are the same for both models: 10 epochs, here over 4096 samples rather than 385,620, 128 a step. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        keyValues: { kind: 'mse' },
        weights: { distillation: 10, keyValues: 1 },
        lora: CODI_TRAINING.lora,
        optimiser: { ...CODI_TRAINING.optimiser, steps: 320, batch: 32, accumulation: 4, learningRate: 8e-4 },
      },
    },
    {
      id: 'kava-llama-3b-nl',
      name: 'KaVa, table 6, Llama-3.2-3B on sentences',
      about:
        'By redundancy alone (λ = 0), and without the projection, for rationales in sentences. All else is as on equations: it was not noted. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        projection: { use: false },
        keyValues: { importance: 0, scaled: false },
        weights: { distillation: 20, keyValues: 2 },
        lora: CODI_TRAINING.lora,
        optimiser: { ...CODI_TRAINING.optimiser, steps: 160, batch: 32, accumulation: 4, learningRate: 2e-4 },
      },
    },
    {
      id: 'kava-llama-3b',
      name: 'KaVa, table 6, Llama-3.2-3B on equations',
      about:
        'The values noted from KaVa’s table 6: 5 epochs, here over 4096 samples rather than 385,620, 128 a step; the weight decay is not noted and that of the others. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        keyValues: { scaled: false },
        weights: { distillation: 20, keyValues: 2 },
        lora: CODI_TRAINING.lora,
        optimiser: { ...CODI_TRAINING.optimiser, steps: 160, batch: 32, accumulation: 4, learningRate: 2e-4 },
      },
    },
  ],
});
