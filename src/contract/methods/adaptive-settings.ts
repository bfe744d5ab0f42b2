import { z } from 'zod';
import { count, group, setting } from '../settings';
import type { LossTerm } from './method';
import { added, latents, onWritten, STUDENT, studentPath, WRITTEN, writtenPath } from './paths';
import { answerTerm, MAX_LATENT_STEPS, plainAnswerWeight, weight, weightHelp } from './shared';

/** Settings and loss terms of adaptive latent reasoning, which its two methods share. */

/** The largest temperature of a stop head. */
export const MAX_STOP_TEMPERATURE = 1000;

const PAPER = 'adaptive latent reasoning §3.2';
const VALUES = 'adaptive latent reasoning §4';
const CODE = 'its code';

export const scheduleSettings = group(
  { title: 'Latents', tex: 'n = \\min(n_{\\max}, \\max(n_{\\min}, c\\,k + b))' },
  {
    factor: setting(count(0, 8).default(0), {
      label: 'Latents per step',
      tex: 'c',
      unit: 'latents',
      help: 'Latents for each of the problem’s k steps; 0 gives every problem the same number.',
      source: `${VALUES}: 0 in Latent-6, 1 in Latent-6-by-1`,
    }),
    bias: setting(z.int().min(-MAX_LATENT_STEPS).max(MAX_LATENT_STEPS).default(6), {
      label: 'Latents added',
      tex: 'b',
      unit: 'latents',
      help: 'Latents added to those.',
      source: `${VALUES}: 6; the options of ${CODE} have 5`,
    }),
    min: setting(count(0, MAX_LATENT_STEPS).default(0), {
      label: 'Fewest latents',
      tex: 'n_{\\min}',
      unit: 'latents',
      help: 'No problem is trained with fewer, and none answers with fewer.',
      source: '0 leaves the schedule as it is; Latent-6 has 6 here and as the most',
    }),
    max: setting(count(1, MAX_LATENT_STEPS).default(8), {
      label: 'Most latents',
      tex: 'n_{\\max}',
      unit: 'latents',
      help: 'No problem is trained with more, and reasoning is ended after as many.',
      source: `${VALUES}: 10 in Latent-6-by-1; the default is this app’s own choice`,
    }),
    filter: setting(z.enum(['mlp', 'linear', 'linear-norm', 'softmax', 'none']).default('mlp'), {
      label: 'Recurrent filter',
      help: 'What makes the next latent of the state before it. The linear ones have one layer, with RMSNorm and a bias, or with LayerNorm; the last two have nothing to train.',
      source: `${PAPER}: two layers with GELU, and LayerNorm; the others are options of ${CODE}`,
      options: {
        mlp: 'two layers, LayerNorm',
        linear: 'one layer, RMSNorm',
        'linear-norm': 'one layer, LayerNorm',
        softmax: 'softmax-weighted token embeddings',
        none: 'none: the state itself',
      },
    }),
    stopTemperature: setting(z.number().positive().max(MAX_STOP_TEMPERATURE).default(1), {
      label: 'Temperature of the stop head',
      tex: '\\tau_s',
      help: 'Divides both logits of a decision, in training, in drawing and in answering; 1 leaves them as they are.',
      source: `${CODE} (binary_head_temp): none`,
    }),
    detachStop: setting(z.boolean().default(false), {
      label: 'The stop head learns alone',
      help: 'No gradient of the stop decisions reaches the states that they are read from.',
      source: `${CODE} (detach_binary_head_inputs): off, on in its appendix`,
    }),
  },
);

export const alignmentSettings = group(
  { title: 'Alignment with the written rationale' },
  {
    position: setting(z.enum(['prompt-end', 'answer-start']).default('prompt-end'), {
      label: 'Aligned token',
      help: 'The token at which the anchor distance is: the last of the answer prompt, or the one after it.',
      source: `CODI §3.4: the colon; ${CODE} takes the token after it in all its runs (shift_target_token_one)`,
      options: { 'prompt-end': 'the prompt’s last', 'answer-start': 'the answer’s first' },
    }),
    dropLast: setting(z.boolean().default(true), {
      label: 'Leave out the last step',
      help: 'The written rationale is without its last step, which states the answer.',
      source: `CODI §3.5, and ${PAPER}; appendix A.1 keeps it for the meaned loss alone`,
    }),
    skipped: setting(count(0, 32).default(0), {
      label: 'Blocks left out at either end',
      unit: 'blocks',
      help: 'Align only the blocks between; 3 of 16 are left out in the intermediate-block loss.',
      source: 'adaptive latent reasoning, appendix A.2',
    }),
  },
);

export const supervisedWeights = {
  answer: plainAnswerWeight,
  stop: setting(weight().default(1), {
    label: 'Stop decisions',
    tex: '\\lambda_s',
    help: weightHelp(
      'Weight of the cross-entropy of the decisions to go on or to stop. With that of the answer it is one mean over all decisions and tokens.',
    ),
    source: PAPER,
  }),
  teacher: setting(weight().default(1), {
    label: 'Written rationale',
    tex: '\\lambda_t',
    help: weightHelp('Weight of the cross-entropy on the written rationale and answer.'),
    source: 'CODI §3.4',
  }),
  codi: setting(weight().default(1), {
    label: 'Anchor distance',
    tex: '\\gamma',
    help: weightHelp('Weight of the distance to the teacher at the aligned token. The paper uses 20.'),
    source: `${CODE}: 20; the default is this app’s own choice`,
  }),
  meaned: setting(weight().default(0), {
    label: 'Meaned reasoning',
    tex: '\\gamma_m',
    help: weightHelp(
      'Weight of the distance between the mean over latents and the teacher’s mean over rationale tokens. The appendix uses 20, alone or beside the anchor distance.',
    ),
    source: 'adaptive latent reasoning, appendix A.1: a variant',
  }),
};

/** What the paths depend on. */
export interface AdaptivePaths {
  readonly latents: { readonly filter: string };
}

/** How a latent is made, in words. */
export const madeBy = ({ latents: { filter } }: AdaptivePaths): string => {
  if (filter === 'softmax') return 'softmax over tokens, fed back';
  return filter === 'none' ? 'last state, fed back' : 'last state, filtered';
};

export const adaptivePath = (run: AdaptivePaths) =>
  studentPath('Latent path', added('start'), latents('latents until it stops', madeBy(run)), added('end'));

/** The same weights on the written rationale. */
export const adaptiveWritten = writtenPath('Written path, the teacher');

const distance = (name: 'codi' | 'meaned', symbol: string, about: string, source: string): LossTerm => ({
  name,
  label: name === 'codi' ? 'anchor distance' : 'meaned distance',
  tex: `${symbol}\\,\\tfrac1J\\textstyle\\sum_j\\operatorname{smooth}_{L_1}(z_j - \\operatorname{sg} z'_j)/\\operatorname{std}(z'_j)`,
  unit: 'standard deviations of the teacher’s state, weighted',
  about,
  source,
  weight: `weights.${name}`,
  sits: ({ alignment: { position } }: { readonly alignment: { readonly position: string } }) => ({
    ...{ path: STUDENT, against: WRITTEN },
    at: [name === 'meaned' ? 'reasoning' : position === 'answer-start' ? 'answer' : 'prompt'],
  }),
});

export const supervisedTerms: readonly LossTerm[] = [
  {
    name: 'teacher',
    label: 'written rationale',
    tex: '\\lambda_t\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{rationale, answer}\\mid x)',
    unit: 'nats per token, weighted',
    about: 'Cross-entropy of the written rationale and answer, by the same weights.',
    source: 'CODI §3.4',
    weight: 'weights.teacher',
    sits: onWritten,
  },
  {
    ...answerTerm('x, z_{1:n}', PAPER),
    sits: { path: STUDENT, at: ['prompt', 'answer'] },
    unit: 'nats per decision or token, weighted',
    about:
      'Cross-entropy of the answer prompt and the answer, as a share of the mean over decisions and tokens.',
  },
  {
    name: 'stop',
    label: 'stop decisions',
    tex: '\\lambda_s\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{go on / stop}\\mid x, z_{1:t})',
    unit: 'nats per decision or token, weighted',
    about: 'Cross-entropy of the stop head: go on before each further latent, stop after the last.',
    source: `${PAPER} and ${CODE}`,
    weight: 'weights.stop',
    sits: { path: STUDENT, at: ['reasoning'] },
  },
  distance(
    'codi',
    '\\gamma',
    'States of the blocks at the aligned token, against those after the written rationale.',
    'CODI §3.4',
  ),
  distance(
    'meaned',
    '\\gamma_m',
    'The mean of the blocks’ states over latents, against the mean over rationale tokens.',
    'adaptive latent reasoning, eq. 6',
  ),
];

/** What the paper's code trains everything before reinforcement with, as far as a run here can have it. */
const SUPERVISED_TRAINING = {
  data: { samples: 4096 },
  lora: { rank: 128, alpha: 32, dropout: 0.1 },
  optimiser: {
    ...{ steps: 30_000, batch: 32, accumulation: 4, learningRate: 8e-4 },
    ...{ warmup: 0.03, weightDecay: 0.1, clip: 2 },
  },
} as const;

/** Its latents. */
export const ADAPTIVE_TRAINING = {
  ...SUPERVISED_TRAINING,
  alignment: { position: 'answer-start' },
  weights: { answer: 1, codi: 20 },
} as const;

/** Its baselines without latents. */
export const ADAPTIVE_BASELINE_TRAINING = {
  ...SUPERVISED_TRAINING,
  optimiser: { ...SUPERVISED_TRAINING.optimiser, learningRate: 1e-4 },
} as const;
export const ADAPTIVE_STEPS =
  '30,000 steps of 128 samples, here drawn from 4096 rather than from 85 % of 385,620';
