import { z } from 'zod';
import { count, group, OURS, setting } from '../settings';
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
import { type Stage, stagesOf } from './curriculum';
import { defineMethod } from './method';
import { added, latents, STUDENT, studentPath } from './paths';
import { weight, weightHelp } from './shared';

const PAPER = 'adaptive latent reasoning §3.3 and 4';
const CODE = 'its code';

/** What its stages depend on. */
export interface GrpoRun {
  readonly reinforcement: { readonly supervisedSteps: number };
  readonly optimiser: { readonly steps: number };
}

/** Id of the path that the policy is kept close to. */
const REFERENCE = 'reference';

/** Number of the stage that is reinforced. */
export const REINFORCED = 1;

/** What the paper's code does after the supervised part, as far as a run here can have it. */
const REINFORCED_TRAINING = {
  reinforcement: {
    ...{ supervisedSteps: 30_000, group: 16, tokens: 40 },
    ...{ rate: 0.0125, warmup: 1 / 60, weightDecay: 1e-3 },
  },
  optimiser: { ...ADAPTIVE_TRAINING.optimiser, steps: 90_000 },
} as const;
const REINFORCED_STEPS =
  'then 60,000 steps of groups of 16 at a rate of 1e-5, with a warm-up and a cosine of their own. The second LoRA of rank 32 that the code has for them is the first one here, and an answer’s 40 tokens are counted without its latents. Not for the bundled pair.';

const stages = ({ reinforcement: { supervisedSteps }, optimiser: { steps } }: GrpoRun): Stage[] =>
  stagesOf(['supervised', 'reinforced'], supervisedSteps, steps);

/** Adaptive latent reasoning, whole: the supervised part, then GRPO on length and correctness. */
export const grpo = defineMethod({
  id: 'grpo',
  label: 'Adaptive latents, then GRPO',
  about:
    'Adaptive latents, then reinforcement: groups of sampled answers are rewarded for being right, and for reasoning briefly where all are right, or at length where some are not.',
  source: 'Ning, Kuo & Gomes, Learning When to Stop, §3, and its code; GRPO: Shao et al., arXiv:2402.03300',
  settings: () => ({
    latents: scheduleSettings,
    alignment: alignmentSettings,
    weights: group(
      { title: 'Loss weights' },
      {
        ...supervisedWeights,
        policy: setting(weight().default(1), {
          label: 'Policy gradient',
          tex: '\\lambda_\\pi',
          help: weightHelp(
            'Weight of the policy’s term in the reinforced stage. Decisions that the fewest or the most latents leave no choice in do not count. There an answer is right if the first number after the answer prompt is the reference’s, whatever the answer rule; references without a number are never answered rightly.',
          ),
          source: 'DeepSeekMath eq. 3',
        }),
        kl: setting(weight().default(1e-3), {
          label: 'Divergence from the reference',
          tex: '\\beta',
          help: weightHelp(
            'Weight of the estimated divergence from the model as it was when the reinforced stage began.',
          ),
          source: `${CODE} (beta 1e-3)`,
        }),
      },
    ),
    reinforcement: group(
      {
        title: 'Reinforcement',
        tex: 'r = -[\\text{badly formatted}] + [\\text{right}]\\,\\Big(1 + \\lambda\\,\\frac{l-\\bar l}{l_{\\max}-l_{\\min}}\\Big),\\quad \\lambda = \\begin{cases}-\\lambda_p & p_{\\mathrm{right}}\\ge p_{\\mathrm{cutoff}}\\\\ \\lambda_r & \\text{else}\\end{cases}',
      },
      {
        supervisedSteps: setting(count(1, 100_000).default(300), {
          label: 'Supervised steps',
          unit: 'steps',
          help: 'Training steps before the reinforced stage, which takes the rest of the run. The learning rate rises and falls in each of the two.',
          source: `${CODE}: 30,000, then 60,000 reinforced; the default is this app’s own choice`,
        }),
        group: setting(count(2, 64).default(8), {
          label: 'Group',
          tex: 'G',
          unit: 'answers',
          help: 'Sampled answers to one question. The batch size is a multiple of it: batch ÷ G questions are asked at each step.',
          source: `16 in ${CODE}, at a batch of 128; the default is this app’s own choice`,
        }),
        tokens: setting(count(1, 128).default(16), {
          label: 'Longest answer',
          unit: 'tokens',
          help: 'Tokens of an answer, prompt included, after which it is cut.',
          source: `40 in ${CODE}, reasoning included; the default is this app’s own choice`,
        }),
        reward: setting(z.number().min(0).max(10).default(0.1), {
          label: 'Length reward',
          tex: '\\lambda_r',
          help: 'How much a longer reasoning gains among the right answers of a group in which some are wrong.',
          source: PAPER,
        }),
        penalty: setting(z.number().min(0).max(10).default(1e-4), {
          label: 'Length penalty',
          tex: '\\lambda_p',
          help: 'How much a longer reasoning loses where enough of the group is right.',
          source: PAPER,
        }),
        cutoff: setting(z.number().min(0).max(1).default(1), {
          label: 'Cutoff',
          tex: 'p_{\\mathrm{cutoff}}',
          help: 'The share of right answers in a group from which on length is penalised; 1: where all are right.',
          source: PAPER,
        }),
        rate: setting(z.number().positive().max(10).default(0.1), {
          label: 'Learning rate in this stage',
          unit: 'times the learning rate',
          help: 'Peak of the reinforced stage, whose schedule begins anew. The paper’s code has 1e-5 there, after 8e-4.',
          source: OURS,
        }),
        warmup: setting(z.number().min(0).max(0.5).default(0.05), {
          label: 'Warm-up in this stage',
          unit: 'of its steps',
          help: 'Share of the reinforced steps in which the learning rate rises from 0; then it falls to 0 by a cosine, or stays, as the schedule says.',
          source: `1000 of 60,000 steps in ${CODE}; the default is this app’s own choice`,
        }),
        weightDecay: setting(z.number().min(0).max(1).default(0.01), {
          label: 'Weight decay in this stage',
          help: 'Of the reinforced stage.',
          source: `1e-3 in ${CODE}; the default is this app’s own choice`,
        }),
        share: setting(z.number().min(0).max(0.9).default(0.15), {
          label: 'Samples kept for it',
          unit: 'of the samples',
          help: 'The supervised stage does not train on these; 0 uses all samples in both stages.',
          source: PAPER,
        }),
      },
    ),
  }),
  loss: '\\begin{gathered}\\mathcal{L}_{\\mathrm{SFT}} = \\lambda_t\\mathcal{L}_{\\mathrm{teacher}} + \\mathcal{L}_{\\mathrm{student}} + \\gamma\\,\\mathcal{L}_{\\mathrm{KD}} + \\gamma_m\\mathcal{L}_{\\mathrm{meaned}} \\\\ \\mathcal{L}_{\\mathrm{RL}} = -\\lambda_\\pi\\,\\tfrac1G\\textstyle\\sum_i\\tfrac1{|o_i|}\\sum_t \\hat A_i\\,\\frac{\\pi}{\\operatorname{sg}\\pi} + \\beta\\,\\mathbb{D}_{\\mathrm{KL}}[\\pi\\,\\|\\,\\pi_{\\mathrm{ref}}],\\quad \\hat A_i = \\frac{r_i-\\bar r}{\\operatorname{std} r}\\end{gathered}',
  // The reference beside the path that is held against it.
  paths: (run: AdaptivePaths) => [
    adaptivePath(run),
    {
      ...studentPath(
        'Reference, in the reinforced stage',
        ...[added('start'), latents('latents until it stopped', 'as drawn'), added('end')],
      ),
      ...{ id: REFERENCE, model: 'base as the stage began', adapters: [] },
    },
    adaptiveWritten,
  ],
  terms: [
    ...supervisedTerms,
    {
      name: 'policy',
      label: 'policy',
      tex: '-\\lambda_\\pi\\,\\hat A_i\\,\\pi/\\operatorname{sg}\\pi',
      unit: 'advantage, weighted; its value is near 0 by construction, its gradient is not',
      about: 'Makes decisions and tokens of rewarded answers more probable, in the reinforced stage.',
      source: 'DeepSeekMath eq. 3, one update for each sample',
      weight: 'weights.policy',
      sits: { path: STUDENT, at: ['reasoning', 'prompt', 'answer'] },
    },
    {
      name: 'kl',
      label: 'divergence',
      tex: '\\beta\\,(e^{\\Delta} - \\Delta - 1),\\ \\Delta = \\log\\pi_{\\mathrm{ref}} - \\log\\pi',
      unit: 'nats per decision or token, weighted',
      about: 'Estimated divergence from the model as it was when the reinforced stage began.',
      source: 'DeepSeekMath eq. 4',
      weight: 'weights.kl',
      sits: { path: STUDENT, at: ['reasoning', 'prompt', 'answer'], against: REFERENCE },
    },
  ],
  stages,
  presets: [
    {
      id: 'grpo-128',
      name: 'Latent-5, then GRPO',
      about:
        'Five latents, then reinforcement of short reasoning. Values of the best of six settings on the pair’s validation problems, over five seeds: 44 %, of which reinforcement adds less than one.',
      changes: {
        latents: { bias: 5 },
        weights: { answer: 1, kl: 0 },
        reinforcement: { supervisedSteps: 200, reward: 0.5, penalty: 0.1, rate: 0.1 },
        optimiser: { steps: 400, learningRate: 1e-3, batch: 16 },
      },
    },
    {
      id: 'grpo-latent-6',
      name: 'Latent-6 + RL, table 1, Llama-3.2-1B',
      about: `Latent-6 by ${ADAPTIVE_STEPS}; ${REINFORCED_STEPS}`,
      paper: true,
      changes: {
        ...{ ...ADAPTIVE_TRAINING, ...REINFORCED_TRAINING },
        latents: { bias: 6, min: 0, max: 6 },
      },
    },
    {
      id: 'grpo-latent-6-by-1',
      name: 'Latent-6-by-1 + RL, table 1, Llama-3.2-1B',
      about: `Latent-6-by-1, ten latents at most, by ${ADAPTIVE_STEPS}; b is 6 in the paper and 5 in the options of its code; ${REINFORCED_STEPS}`,
      paper: true,
      changes: {
        ...{ ...ADAPTIVE_TRAINING, ...REINFORCED_TRAINING },
        latents: { factor: 1, bias: 6, max: 10 },
      },
    },
  ],
});
