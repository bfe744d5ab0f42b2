import { z } from 'zod';
import { count, group, setting } from '../settings';
import type { LossTerm } from './method';
import {
  added,
  counted,
  latents,
  onSupervised,
  onWritten,
  STUDENT,
  studentPath,
  WRITTEN,
  writtenPath,
} from './paths';
import { weight, weightHelp } from './shared';

/** Settings and loss terms of methods whose student learns from its own explicit reasoning, in the same step. */

/** What is fed back as the next latent. */
export const projectionSettings = group(
  {
    title: 'Projection',
    tex: 'z = \\operatorname{LN}\\big(W_2\\operatorname{GELU}(W_1 h + b_1) + b_2\\big)',
  },
  {
    use: setting(z.boolean().default(true), {
      label: 'Project latents',
      help: 'A two-layer perceptron with layer normalisation between a hidden state and the latent it becomes. Without it the hidden state itself is fed back.',
      source: 'CODI §3.3; without it 42.5 instead of 43.7 % (table 2)',
    }),
    width: setting(count(0, 8192).default(0), {
      label: 'Width',
      tex: 'P',
      unit: 'units',
      help: 'Units of the hidden layer; 0 for as many as the model’s hidden size.',
      source: 'CODI figure A1: the hidden size; its scripts have 768 for GPT-2 and 2048 for Llama-3.2-1B',
    }),
  },
);

/** Added tokens: begin of thought, end of thought. */
export const thoughtTokenSettings = group(
  { title: 'Added tokens' },
  {
    trained: setting(z.boolean().default(true), {
      label: 'Train their embeddings',
      help: 'Whether the embeddings of the added tokens learn, or stay as they begin.',
      source: 'CODI §3.3: learnable; its code freezes them',
    }),
    initial: setting(z.enum(['drawn', 'mean']).default('drawn'), {
      label: 'They begin',
      help: 'Drawn with the mean and the standard deviation of each feature of the model’s embeddings, or at their mean.',
      source:
        'a choice of this project; CODI’s code resizes with transformers 4.52, which begins at the mean',
      options: { drawn: 'drawn like the model’s', mean: 'at the mean' },
    }),
  },
);

/** What the cross entropy of an answer given latents or pauses covers. */
export const supervisedSetting = (fallback: 'prompt' | 'answer', source: string) =>
  setting(z.enum(['prompt', 'answer']).default(fallback), {
    label: 'Supervised tokens',
    help: 'What the cross-entropy of the answer covers: “The answer is:” and the answer, or the answer alone.',
    source,
    options: { prompt: 'prompt and answer', answer: 'answer only' },
  });

/** The explicit path. */
export const explicitPathSettings = group(
  { title: 'Explicit path (teacher)' },
  {
    rationale: setting(z.enum(['all-but-last', 'steps']).default('all-but-last'), {
      label: 'Rationale',
      help: 'The last step states the answer: with it, the aligned token could copy it rather than reason.',
      source: 'CODI §3.5; with the last step 31.7 instead of 43.7 % (table 2)',
      options: { 'all-but-last': 'all steps but the last', steps: 'all steps' },
    }),
    targetPass: setting(z.enum(['same', 'own']).default('same'), {
      label: 'Pass of the targets',
      help: 'Whether the targets of the distillation come from the pass whose cross-entropy is taken, or from a pass of their own with other dropout masks. Without dropout the two are equal.',
      source: 'CODI figure A1: the same; its code runs the teacher twice',
      options: { same: 'the pass with the cross-entropy', own: 'a pass of its own' },
    }),
  },
);

/** @param defaults of the method's paper or code  @param sources of these */
export const distillationSettings = (
  defaults: { readonly form: 'l1' | 'smooth-l1'; readonly scale: 'layer' | 'all' | 'none' },
  sources: { readonly form: string; readonly scale: string },
) =>
  group(
    { title: 'Distillation' },
    {
      position: setting(z.enum(['prompt-end', 'answer-start']).default('prompt-end'), {
        label: 'Aligned token',
        help: 'The token whose hidden states are compared: the last of the answer prompt, which is the colon of “The answer is:”, or the first of the answer. CODI’s published runs take the colon for GPT-2, and the token after it, the answer’s first, for Llama and Qwen; PCCoT takes the colon for both GPT-2 and Llama.',
        source: 'CODI §3.4: the colon; its code takes the token after it for Llama and Qwen',
        options: { 'prompt-end': 'the prompt’s last', 'answer-start': 'the answer’s first' },
      }),
      form: setting(z.enum(['l1', 'smooth-l1']).default(defaults.form), {
        label: 'Distance',
        tex: 'd',
        help: 'L1, or smooth L1: half the square below 1, the absolute value less a half above it. The mean over samples and features.',
        source: sources.form,
        options: { l1: 'L1', 'smooth-l1': 'smooth L1' },
      }),
      scale: setting(z.enum(['layer', 'all', 'none']).default(defaults.scale), {
        label: 'Divided by',
        tex: '\\sigma',
        help: 'The unbiased standard deviation of the teacher’s values in the batch: in each layer, or one over all layers.',
        source: sources.scale,
        options: { layer: 'the std of each layer', all: 'the std over all layers', none: 'nothing' },
      }),
      embeddings: setting(z.boolean().default(false), {
        label: 'Count the embedding layer',
        help: 'Average over L + 1 layers rather than L. The input embeddings of the aligned tokens are the same on both sides, so that this only scales the term by L/(L + 1); where positions are learned, their constant difference is not counted.',
        source: 'CODI eq. 5: the L layers; its code counts the embeddings too',
      }),
    },
  );

export const answerPathWeight = setting(weight().default(1), {
  label: 'Answer cross-entropy',
  tex: '\\alpha',
  help: weightHelp('Weight of the cross-entropy of the answer given the latents.'),
  source: 'CODI appendix A',
});

export const distillationWeight = (source: string) =>
  setting(weight().default(1), {
    label: 'Distillation',
    tex: '\\beta',
    help: weightHelp('Weight of the distance between the hidden states at the aligned token.'),
    source,
  });

export const teacherWeight = setting(weight().default(1), {
  label: 'Explicit cross-entropy',
  tex: '\\gamma',
  help: weightHelp('Weight of the cross-entropy of rationale, prompt and answer in the explicit path.'),
  source: 'CODI appendix A: 1; 0.5 to 3 in table A5',
});

export const studentTerm = (source: string): LossTerm => ({
  name: 'answer',
  label: 'answer',
  tex: '\\alpha\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{answer}\\mid x, z_{1:K})',
  unit: 'nats per token, weighted',
  about: 'Cross-entropy of the answer given the latents.',
  source,
  weight: 'weights.answer',
  sits: onSupervised,
});

export const distillationTerm = (source: string): LossTerm => ({
  name: 'distillation',
  label: 'distillation',
  tex: "\\beta\\,\\tfrac1L\\textstyle\\sum_\\ell d\\big(h_\\ell,\\operatorname{sg}[h'_\\ell]\\big)/\\sigma_\\ell",
  unit: 'standard deviations of the teacher’s state, weighted',
  about:
    'Hidden states at the aligned token, against those of the explicit path, through which no gradient flows.',
  source,
  weight: 'weights.distillation',
  sits: ({ distillation: { position } }: { readonly distillation: { readonly position: string } }) => ({
    ...{ path: STUDENT, against: WRITTEN },
    at: [position === 'answer-start' ? 'answer' : 'prompt'],
  }),
});

export const teacherTerm = (source: string): LossTerm => ({
  name: 'teacher',
  label: 'explicit path',
  tex: '\\gamma\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{rationale, answer}\\mid x)',
  unit: 'nats per token, weighted',
  about: 'Cross-entropy of the written rationale and answer, from the same adapter.',
  source,
  weight: 'weights.teacher',
  sits: onWritten,
});

/** What the paths depend on. */
interface SelfRun {
  readonly latent: { readonly steps: number; readonly iterations?: number };
  readonly projection: { readonly use: boolean };
  readonly teacher: { readonly rationale: string };
}

/** Latents between two added tokens, and the same adapter's written path. */
export const selfPaths = ({ latent: { steps, iterations }, projection, teacher }: SelfRun) => {
  const state = projection.use ? 'last state, projected' : 'last state, fed back';
  const thoughts =
    iterations === undefined
      ? latents(counted(steps, 'latent'), state)
      : iterations === 0
        ? added(counted(steps, 'latent token'))
        : latents(
            `${counted(steps, 'latent')} at once`,
            `${state}, ${counted(iterations, 'pass', 'passes')}`,
          );
  return [
    studentPath('Latent path', added('bot'), thoughts, added('eot')),
    writtenPath(
      'Written path, the teacher',
      teacher.rationale === 'steps' ? 'rationale' : 'rationale, last step left out',
    ),
  ];
};

/** All values that a paper's table was trained with, and a run here can have. */
export const CODI_TRAINING = {
  lora: { rank: 128, alpha: 32, dropout: 0.1 },
  optimiser: { warmup: 0.03, weightDecay: 0.1, clip: 2 },
} as const;

/**
 * What CODI trains each model with, and its baselines by fine-tuning (appendix A); dropout, weight decay, clipping, batches and the
 * longest row are its scripts'.
 */
export const CODI_RUNS = {
  gpt2: {
    data: { samples: 4096, longest: 1000 },
    lora: CODI_TRAINING.lora,
    optimiser: {
      ...CODI_TRAINING.optimiser,
      ...{ steps: 1280, batch: 64, accumulation: 2, learningRate: 3e-3 },
    },
  },
  'llama-1b': {
    data: { samples: 4096, longest: 200 },
    lora: CODI_TRAINING.lora,
    optimiser: {
      ...CODI_TRAINING.optimiser,
      ...{ steps: 320, batch: 32, accumulation: 4, learningRate: 8e-4 },
    },
  },
} as const;

/** The same in words. */
const epochsOf = { gpt2: 40, 'llama-1b': 10 } as const;
export const codiRunText = (model: keyof typeof CODI_RUNS): string =>
  `${epochsOf[model]} epochs, here over 4096 samples rather than 385,620, 128 a step; rows of more than ${CODI_RUNS[model].data.longest} tokens are left out`;

/** The models of CODI's table 1, by the ends of their presets' ids. */
export const CODI_MODELS = [
  ['gpt2', 'GPT-2'],
  ['llama-1b', 'Llama-3.2-1B'],
] as const;
