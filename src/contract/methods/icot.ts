import { z } from 'zod';
import { count, group, setting } from '../settings';
import { icotAblations } from './ablations/icot';
import { type Stage, stagesOf } from './curriculum';
import { defineMethod } from './method';
import { rationale, STUDENT, studentPath } from './paths';
import { answerTerm, plainAnswerWeight } from './shared';

const CODE = 'iCoT’s code, README and src/train.py';

/** What iCoT and those who compare with it train with. */
const ICOT_TRAINING = {
  data: { samples: 4096 },
  weights: { answer: 1 },
  training: { weights: 'full' },
} as const;
const ICOT_OPTIMISER = { schedule: 'constant', warmup: 0, weightDecay: 0.01, clip: 1 } as const;

/** What iCoT's stages depend on. */
export interface IcotRun {
  readonly removal: {
    readonly perStage: number;
    readonly stageSteps: number;
    readonly allBeyond: number;
    readonly start: number;
    readonly pretrainSteps: number;
  };
  readonly optimiser: { readonly steps: number };
}

/**
 * R of each stage: what is removed from the start, in a stage of its own before removal begins if there is one; then `perStage` more
 * each time; Infinity once it reaches `allBeyond`.
 */
export function icotRemoved({ removal: { perStage, allBeyond, start, pretrainSteps } }: IcotRun): number[] {
  const removed = pretrainSteps > 0 ? [start] : [];
  for (let R = start; R < allBeyond; R += perStage) removed.push(R);
  return [...removed, Number.POSITIVE_INFINITY];
}

/** Whether a stage is the one before removal begins, in which no offset is drawn. */
export const isBeforeRemoval = ({ removal: { pretrainSteps } }: IcotRun, stage: number): boolean =>
  pretrainSteps > 0 && stage === 0;

function stages(run: IcotRun): Stage[] {
  const { pretrainSteps, stageSteps } = run.removal;
  const names = icotRemoved(run).map((R, i) => {
    const name = R === Number.POSITIVE_INFINITY ? 'R = ∞' : `R = ${R}`;
    return isBeforeRemoval(run, i) ? `${name}, before removal` : name;
  });
  return stagesOf(names, stageSteps, run.optimiser.steps, pretrainSteps || stageSteps);
}

/** iCoT by stepwise internalization: the written rationale loses tokens until none is left. */
export const icot = defineMethod({
  id: 'icot',
  label: 'iCoT (stepwise)',
  about:
    'Removes the written rationale token by token while the model is fine-tuned, until it answers directly.',
  source:
    'Deng, Choi & Shieber, arXiv:2405.14838, §3, and its code. Not here: their earlier iCoT by distillation (arXiv:2311.01460), which trains three models one after another; and of its code that the optimiser is not started anew where the batch before had no chain left, and that the first update holds one micro-batch',
  settings: () => ({
    removal: group(
      { title: 'Removal', tex: 'k = R + o,\\quad P(o) = (1-e^{-\\lambda_o})\\,e^{-\\lambda_o o}' },
      {
        perStage: setting(count(1, 64).default(4), {
          label: 'Tokens removed a stage',
          unit: 'tokens',
          help: 'By how much R grows at each stage. The code removes one token after each eighth of an epoch.',
          source: `${CODE}: one token at a time, 8 an epoch on GSM8K; the default is this app’s own choice`,
        }),
        stageSteps: setting(count(1, 100_000).default(25), {
          label: 'Steps of a stage',
          unit: 'steps',
          help: 'Training steps before R grows; the last stage, in which nothing is left, takes the rest of the run.',
          source: `${CODE}: an eighth of an epoch; the default is this app’s own choice`,
        }),
        allBeyond: setting(count(0, 512).default(39), {
          label: 'All beyond',
          tex: 'R_{\\max}',
          unit: 'tokens',
          help: 'Once R reaches this, the whole rationale is removed; 0 trains without it from the beginning.',
          source: `${CODE} (remove_all_when_remove_beyond 39 on GSM8K)`,
        }),
        start: setting(count(0, 512).default(0), {
          label: 'Removed from the start',
          tex: 'R_0',
          unit: 'tokens',
          help: 'R in the first stage.',
          source: `${CODE} (remove_start_from 0)`,
        }),
        pretrainSteps: setting(count(0, 100_000).default(0), {
          label: 'Steps before removal',
          unit: 'steps',
          help: 'Training steps before R grows and offsets are drawn; as long as the run, they train on written rationales alone.',
          source: `${CODE}: pretrain_epoch, 0`,
        }),
        smoothing: setting(z.number().min(0.1).max(100).default(4), {
          label: 'Removal smoothing',
          tex: '\\lambda_o',
          help: 'Rate of the random offset o, redrawn for each sample: 4 removes further tokens from 2 % of the samples; 100 from none.',
          source: `${CODE} (removal_smoothing_lambda 4)`,
        }),
        side: setting(z.enum(['left', 'right']).default('left'), {
          label: 'Removed first',
          help: 'Which end of the rationale goes first.',
          source: `${CODE} (removal_side left)`,
          options: { left: 'its first tokens', right: 'its last tokens' },
        }),
        positions: setting(z.enum(['renumbered', 'kept']).default('renumbered'), {
          label: 'Positions after a removal',
          help: 'Whether what is left moves up, or keeps its old positions, from the token before the cut on; then only the first tokens may go first. A student that answers does not know how many tokens its problem’s rationale would have had: it skips R positions, and where all are removed as many as “All beyond” says.',
          source: `${CODE} (keep_position, for GPT-2 only, off); its generation takes each problem’s own number`,
          options: { renumbered: 'renumbered', kept: 'kept' },
        }),
        reset: setting(z.boolean().default(true), {
          label: 'Reset the optimiser',
          help: 'Forget AdamW’s moments whenever R grows.',
          source: `${CODE} (reset_optimizer)`,
        }),
      },
    ),
    weights: group({ title: 'Loss weights' }, { answer: plainAnswerWeight }),
  }),
  loss: '\\mathcal{L} = \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}(r_{k+1\\dots},\\ \\text{answer}\\mid x)',
  paths: [
    studentPath(
      'Written path, at stage R',
      ...[rationale('end token'), rationale('what is left of the rationale'), rationale('end token')],
    ),
  ],
  terms: [
    {
      ...answerTerm('x', 'arXiv:2405.14838 §3', { said: 'r_{k+1\\dots},\\ \\text{answer}' }),
      label: 'rationale and answer',
      sits: { path: STUDENT, at: ['reasoning', 'prompt', 'answer'] },
      unit: 'nats per token, weighted',
      about:
        'Cross-entropy of what is left of the rationale, the token that ends it, the answer prompt and the answer.',
    },
  ],
  stages,
  presets: [
    {
      id: 'icot-128',
      name: 'iCoT',
      about:
        'Seven tokens, a step, of the rationale fewer in each stage, from the left, with removal smoothing; rationales of the bundled problems have up to 35. Tuned for the bundled pair.',
      changes: {
        removal: { perStage: 7, stageSteps: 35, allBeyond: 35 },
        weights: { answer: 1 },
        lora: { rank: 16 },
        optimiser: { steps: 300, learningRate: 1e-3 },
      },
    },
    {
      id: 'icot-gsm8k',
      name: 'iCoT, GSM8K, Mistral-7B',
      about:
        'What iCoT’s README trains Mistral-7B with: a token fewer after each eighth of an epoch, all beyond 39, a constant rate, 80 epochs of 32 samples a step, all weights, answers compared as texts; here over 4096 samples. Rows of more than 150 tokens are left out, counted before anything is removed: the code skips the batch of one that still has more. Not for the bundled pair.',
      paper: true,
      changes: {
        ...ICOT_TRAINING,
        data: { samples: 4096, longest: 150, rule: 'coconut' },
        removal: { perStage: 1, stageSteps: 16, allBeyond: 39 },
        optimiser: { ...ICOT_OPTIMISER, steps: 10_240, batch: 16, accumulation: 2, learningRate: 1e-5 },
      },
    },
    {
      id: 'icot-multiplication',
      name: 'iCoT, 9×9 multiplication, GPT-2',
      about:
        'What iCoT’s README trains GPT-2 with on products of two numbers of nine digits: a token fewer after each eighth of an epoch, 200 epochs of 32 samples a step, all weights, answers compared as texts; here over 4096 samples. No point is told at which all is removed: here beyond 512 tokens, the most that can be set. For an opened data set of such products in the text lines of implicit CoT. Not for the bundled pair.',
      paper: true,
      changes: {
        ...ICOT_TRAINING,
        data: { samples: 4096, rule: 'coconut' },
        removal: { perStage: 1, stageSteps: 16, allBeyond: 512 },
        optimiser: { ...ICOT_OPTIMISER, steps: 25_600, batch: 32, learningRate: 5e-5 },
      },
    },
    ...(
      [
        ['gpt2', 'GPT-2 on sentences', 5e-5, 4, 100, true],
        ['llama-1b', 'Llama-3.2-1B on equations', 1e-5, 8, 50, false],
        ['llama-1b-nl', 'Llama-3.2-1B on sentences', 1e-5, 16, 50, true],
      ] as const
    ).map(([id, model, learningRate, perEpoch, epochs, isNl]) => ({
      id: `icot-${id}`,
      name: `iCoT, CODI appendix A, ${model}`,
      about: [
        `iCoT as CODI trains ${model} (${isNl ? 'GSM8k-Aug-NL' : 'GSM8k-Aug'}): a token fewer ${perEpoch} times an epoch, ${epochs} epochs, all weights; here over 4096 samples.`,
        id === 'gpt2' ? ' CODI does not tell how fast it removes tokens from equations with GPT-2.' : '',
        isNl
          ? ' Batches of 32 are iCoT’s own; that all is removed beyond 200 tokens is this app’s own choice, as iCoT’s 39 is meant for equations.'
          : ' Batches of 32 and all removed beyond 39 are iCoT’s own.',
        ' Not for the bundled pair.',
      ].join(''),
      paper: true,
      changes: {
        ...ICOT_TRAINING,
        // An epoch is 128 steps.
        removal: { perStage: 1, stageSteps: 128 / perEpoch, allBeyond: isNl ? 200 : 39 },
        optimiser: { ...ICOT_OPTIMISER, steps: 128 * epochs, batch: 32, learningRate },
      },
    })),
  ],
  ablations: icotAblations,
});
