import { z } from 'zod';
import { count, group, OURS, setting } from '../settings';
import { dartAblations } from './ablations/dart';
import { defineMethod } from './method';
import { added, counted, STUDENT, studentPath, WRITTEN, writtenPath } from './paths';
import {
  answerTerm,
  chainAnswerTerm,
  chainSettings,
  chainTerm,
  chainWeights,
  plainAnswerWeightAs,
  weight,
  weightHelp,
} from './shared';

const PAPER = 'Jiang et al., DART, arXiv:2506.11752';

/** What all of the paper's models are trained with. */
const DART_TRAINING = {
  // z_{t:N} (§3.1).
  data: { samples: 4096, prompt: 'Answer:' },
  silent: { count: 20 },
  rem: { width: 128, alpha: 32 },
  weights: { answer: 1, distil: 20 },
  lora: { rank: 128, alpha: 32, targets: ['q', 'k', 'v', 'o'] },
} as const;

/** Symbol of the silent pathway's weight: λ is the distillation's. */
const SILENT_WEIGHT = '\\lambda_{\\mathrm{ST}}';

/** What the paths depend on. */
interface Paths {
  readonly silent: { readonly count: number; readonly pathway: string };
  readonly rem: { readonly kind: string };
  readonly chain: { readonly omitLastStep: boolean };
}

/** What the place of the distillation's term depends on. */
interface Distance {
  readonly distance: { readonly position: string; readonly target: string };
}

/** DART. Where the paper leaves something open, the choice is a setting, and its help says so. */
export const dart = defineMethod({
  id: 'dart',
  label: 'DART',
  about:
    'Replaces the written rationale by silent thoughts: copies of one learned token, read in one pass, whose keys and values are turned by small modules.',
  source: `${PAPER}, §3; no official code is known`,
  without: {
    training:
      'the written pathway is the LoRA, and the silent one is REM on weights that stay as they are; full training would change both',
  },
  settings: () => ({
    silent: group(
      { title: 'Silent thoughts', tex: '[Q; \\langle st\\rangle^C; z_{t:N}]' },
      {
        count: setting(count(0, 64).default(8), {
          label: 'Silent thoughts',
          tex: 'C',
          unit: 'tokens',
          help: 'Copies of the learned token between question and answer prompt; 0 for the paper’s ablation without them.',
          source:
            'DART §C: 20; the default is this app’s own choice, for the bundled pair’s short rationales',
        }),
        pathway: setting(z.enum(['rem', 'both']).default('rem'), {
          label: 'Silent pathway',
          help: 'Whether the silent pathway runs with its own modules only, or with the LoRA of the written pathway beneath them. The paper’s text has the first; the accuracy of its ablation without modules, above No-CoT, suggests the second.',
          source: 'DART §3.2 and §C: LoRA fine-tunes the CoT pathway',
          options: { rem: 'its modules only', both: 'LoRA and its modules' },
        }),
      },
    ),
    rem: group(
      { title: 'Reasoning evolvement (REM)', tex: 'h \\mapsto h + \\tfrac{\\alpha}{d} W_2 W_1^\\top h' },
      {
        kind: setting(z.enum(['rem', 'lora', 'none']).default('rem'), {
          label: 'Module',
          help: 'What the silent pathway has before its keys and values. The other two are ablations of the paper.',
          source: 'DART §3.2 and table 3',
          options: {
            rem: 'REM, before the projections',
            lora: 'LoRA of the projections',
            none: 'none',
          },
        }),
        width: setting(count(1, 512).default(32), {
          label: 'Width',
          tex: 'd',
          unit: 'columns',
          help: 'Columns of W₁ and W₂; there is a pair for keys and one for values in every layer.',
          source: 'DART §C: 128; the default is this app’s own choice, for a small model',
        }),
        alpha: setting(z.number().positive().max(1024).default(32), {
          label: 'Scale',
          tex: '\\alpha',
          help: 'The module’s output is multiplied by α/d.',
          source: 'DART §C',
        }),
      },
    ),
    chain: chainSettings,
    distance: group(
      { title: 'Distillation' },
      {
        position: setting(z.enum(['prompt-end', 'answer-start']).default('prompt-end'), {
          label: 'Aligned token',
          help: 'The token whose states are compared: the last of the answer prompt, z_N, or the one after it, the answer’s first, an ablation of the paper.',
          source: 'DART §3.2; on the answer’s first token 31.5 instead of 42.6 % (table 3)',
          options: { 'prompt-end': 'the prompt’s last', 'answer-start': 'the answer’s first' },
        }),
        over: setting(z.enum(['mean', 'sum']).default('mean'), {
          label: 'Norm over the hidden size',
          help: 'The paper writes the L1 norm, a sum; but it also finds this term far smaller than the cross-entropies before λ = 20, which holds for the mean only.',
          source: OURS,
          options: { mean: 'mean', sum: 'sum' },
        }),
        target: setting(z.enum(['detached', 'joint']).default('detached'), {
          label: 'Gradient to the written pathway',
          help: 'Whether the distillation also moves the written pathway, whose states are its target. The paper does not say; CODI, which it builds on, does not.',
          source: OURS,
          options: { detached: 'none', joint: 'through target and deviation' },
        }),
      },
    ),
    weights: group(
      { title: 'Loss weights' },
      {
        ...chainWeights,
        answer: plainAnswerWeightAs(SILENT_WEIGHT),
        distil: setting(weight().default(20), {
          label: 'Distillation',
          tex: '\\lambda',
          help: weightHelp('Weight of the distance between the two pathways’ states.'),
          source: 'DART §C',
        }),
      },
    ),
  }),
  loss: '\\mathcal{L} = \\mathcal{L}_{\\mathrm{CoT}} + \\mathcal{L}_{\\mathrm{ST}} + \\lambda\\,\\mathcal{L}_{\\mathrm{distill}}',
  paths: ({ silent, rem, chain }: Paths) => [
    {
      ...(silent.count > 0
        ? studentPath(
            'Silent path',
            added(counted(silent.count, 'silent thought'), `one learned token, ${silent.count} times`),
          )
        : studentPath('Silent path')),
      adapters: [
        ...(silent.pathway === 'both' ? ['LoRA'] : []),
        ...(rem.kind === 'none'
          ? []
          : [`${rem.kind === 'rem' ? 'REM' : 'a LoRA of its own'} on keys and values`]),
      ],
    },
    writtenPath(
      'Written path, the teacher',
      chain.omitLastStep ? 'rationale, last step left out' : 'rationale',
    ),
  ],
  terms: [
    chainTerm('DART §3.1, first mean'),
    chainAnswerTerm('DART §3.1, second mean'),
    answerTerm('Q, \\langle st\\rangle^C', 'DART §3.1', { symbol: SILENT_WEIGHT }),
    {
      name: 'distil',
      label: 'distillation',
      tex: '\\lambda\\,\\tfrac1L\\textstyle\\sum_\\ell\\lVert\\tilde h^\\ell - \\hat h^\\ell\\rVert_1/\\sigma(\\tilde h^\\ell)',
      unit: 'standard deviations of the written pathway’s states, weighted',
      about:
        'States of all layers at the chosen token, the last of the answer prompt unless set otherwise, silent pathway against written pathway.',
      source: 'DART §3.2',
      weight: 'weights.distil',
      sits: ({ distance: { position, target } }: Distance) => ({
        ...{ path: STUDENT, at: [position === 'prompt-end' ? 'prompt' : 'answer'], against: WRITTEN },
        movesBoth: target === 'joint',
      }),
    },
  ],
  presets: [
    {
      id: 'dart-128',
      name: 'DART',
      about: 'A silent pathway beside a written one, from the same samples. Tuned for the bundled pair.',
      changes: {
        silent: { count: 5 },
        rem: { width: 32 },
        weights: { answer: 1, distil: 1 },
        lora: { rank: 16 },
        optimiser: { steps: 200, learningRate: 1e-3 },
      },
    },
    {
      id: 'dart-llama-1b',
      name: 'DART, table 1, Llama-3.2-1B',
      about:
        'What DART trains Llama-3.2-1B with (§C), and its separator “Answer:”: 10 epochs, here over 4096 samples rather than 385,620; the batch size, which it does not state, is CODI’s. Not for the bundled pair.',
      paper: true,
      changes: {
        ...DART_TRAINING,
        optimiser: { steps: 320, batch: 32, accumulation: 4, learningRate: 8e-4, warmup: 0.03 },
      },
    },
    ...(
      [
        ['gpt2', 'GPT-2', 2e-3, 1280, '40'],
        ['qwen-1.5b-llama-3b', 'Qwen2.5-1.5B and Llama-3.2-3B', 5e-4, 320, '10'],
      ] as const
    ).map(([id, model, learningRate, steps, epochs]) => ({
      id: `dart-${id}`,
      name: `DART, table 5, ${model}`,
      about: `What DART trains ${model} with (§C), and its separator “Answer:”: ${epochs} epochs, here over 4096 samples rather than 385,620; the batch size, which it does not state, is CODI’s. Not for the bundled pair.`,
      paper: true,
      changes: {
        ...DART_TRAINING,
        optimiser: { steps, batch: 32, accumulation: 4, learningRate, warmup: 0.03 },
      },
    })),
  ],
  ablations: dartAblations,
});
