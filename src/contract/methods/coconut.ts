import { z } from 'zod';
import { count, group, setting } from '../settings';
import { coconutAblations } from './ablations/coconut';
import { type Stage, stagesOf } from './curriculum';
import { defineMethod } from './method';
import { added, counted, type PathPart, rationale, STUDENT, studentPath, latents as thoughts } from './paths';
import { answerTerm, plainAnswerWeight, weight, weightHelp } from './shared';

/** Tuned for the bundled pair on validation problems (docs/search/round-3-others-a). */
const TUNED = {
  curriculum: { latentsPerStep: 1, stages: 5, stageSteps: 40, uniform: 0.3 },
  lora: { rank: 16 },
  optimiser: { steps: 300, learningRate: 3e-3 },
};

/** Id of the path of the auxiliary decoder. */
const DECODER = 'decoder';

const CURRICULUM = 'Coconut’s code, args/gsm_coconut.yaml';

/** What plain Coconut trains in the papers, all weights, on as many samples as fit here. */
const WHOLE_MODEL = {
  data: { samples: 4096 },
  weights: { answer: 1 },
  training: { weights: 'full' },
} as const;

/** Of its code, which does not clip. */
const COCONUT_OPTIMISER = {
  ...{ batch: 32, accumulation: 4, learningRate: 1e-4, schedule: 'constant' },
  ...{ warmup: 0, weightDecay: 0.01, clip: 1e6 },
} as const;

/** What Coconut's stages depend on. */
export interface CoconutRun {
  readonly curriculum: {
    readonly latentsPerStep: number;
    readonly stages: number;
    readonly first: number;
    readonly firstSteps: number;
    readonly stageSteps: number;
    readonly inPlace: 'latents' | 'pauses' | 'nothing';
  };
  readonly optimiser: { readonly steps: number };
}

/** The number of steps of reasoning that each stage drops, from the first one that is trained: s, and S + 1 for all of them. */
export const coconutDropped = ({ curriculum: { first, stages } }: CoconutRun): number[] =>
  Array.from({ length: stages + 2 - first }, (_, i) => first + i);

const stages = (run: CoconutRun): Stage[] => {
  const { latentsPerStep: c, stages: S, firstSteps, stageSteps, inPlace } = run.curriculum;
  const fed = (steps: number): string =>
    inPlace === 'nothing'
      ? `${counted(steps, 'step')} left out`
      : counted(c * steps, inPlace === 'pauses' ? 'pause' : 'latent');
  const names = coconutDropped(run).map((s) => {
    if (s === 0) return 'all steps written';
    if (s <= S) return fed(s);
    return inPlace === 'nothing' ? 'no written steps' : `no written steps, ${fed(S)}`;
  });
  return stagesOf(names, stageSteps, run.optimiser.steps, firstSteps || stageSteps);
};

/** What the reasoning of a stage s is made of. */
const REASONING: Readonly<Record<CoconutRun['curriculum']['inPlace'], readonly PathPart[]>> = {
  latents: [added('start'), thoughts('n latents', 'last state, fed back'), added('end')],
  pauses: [added('start'), added('n pauses', 'one learned token'), added('end')],
  nothing: [],
};

/** Coconut: written steps are replaced by latents, one step after another. */
export const coconut = defineMethod({
  id: 'coconut',
  label: 'Coconut',
  about:
    'Replaces the written steps of reasoning by fed-back hidden states, one more step in each stage of a curriculum.',
  source: 'Hao et al., Coconut, arXiv:2412.06769, §3, and its code',
  settings: () => ({
    curriculum: group(
      { title: 'Curriculum', tex: 'n = c\\,\\min(s, S)' },
      {
        latentsPerStep: setting(count(1, 8).default(2), {
          label: 'Latents per step',
          tex: 'c',
          unit: 'latents',
          help: 'How many latents replace one written step.',
          source: CURRICULUM,
        }),
        stages: setting(count(1, 6).default(3), {
          label: 'Latent stages',
          tex: 'S',
          unit: 'stages',
          help: 'Stage s replaces the first s steps. After stage S a last one drops every step that is left.',
          source: CURRICULUM,
        }),
        first: setting(count(0, 6).default(0), {
          label: 'First stage',
          tex: 's_0',
          help: 'The stage to begin with. Coconut’s code begins at 1 from a checkpoint trained on written steps; at most S + 1.',
          source: `${CURRICULUM}: 3 epochs in, from a checkpoint that writes its steps; the default is this app’s own choice`,
        }),
        stageSteps: setting(count(1, 100_000).default(60), {
          label: 'Steps of a stage',
          unit: 'steps',
          help: 'Training steps of each stage; the last one takes what is left of the run. Coconut’s code uses 3 epochs.',
          source: `${CURRICULUM}: 3 epochs; the default is this app’s own choice`,
        }),
        firstSteps: setting(count(0, 100_000).default(0), {
          label: 'Steps of the first stage',
          unit: 'steps',
          help: 'Training steps of the first stage; 0 for as many as the others. A longer one trains on written steps before the curriculum, in the same run.',
          source:
            'Coconut’s code trains 25 epochs on written steps, in a run before; the default is this app’s own choice',
        }),
        padLatents: setting(z.boolean().default(true), {
          label: 'Equal numbers of latents',
          help: 'In the last stage, give problems with fewer than S steps as many latents as the rest. Without it such a problem is trained with c latents for each of its own steps, and is still answered with as many as the rest, since the number of steps of an unseen problem is not known.',
          source: `${CURRICULUM} (pad_latent_to_max)`,
        }),
        uniform: setting(z.number().min(0).max(1).default(0), {
          label: 'Random stage',
          unit: 'probability',
          help: 'How often a sample is trained at a stage drawn from 0 to its number of steps. Coconut uses 0.3 where it studies shorter latents.',
          source: `${CURRICULUM} (uniform_prob)`,
        }),
        inPlace: setting(z.enum(['latents', 'pauses', 'nothing']).default('latents'), {
          label: 'In place of a step',
          help: 'What stands where written steps were: hidden states that are fed back, one learned token that many times, or nothing at all, with neither start nor end token.',
          source:
            'Coconut §4: latents; “pause as thought” (24.1 instead of 34.1 % on GSM8K) and “w/o thought” (21.6 %) in table 1',
          options: {
            latents: 'hidden states, fed back',
            pauses: 'a learned token',
            nothing: 'nothing',
          },
        }),
        reset: setting(z.enum(['stage', 'epoch', 'never']).default('stage'), {
          label: 'Reset the optimiser',
          help: 'When AdamW’s moments are forgotten.',
          source: 'Coconut’s README says at each stage; its code does so at each epoch',
          options: { stage: 'at each stage', epoch: 'at each epoch', never: 'never' },
        }),
      },
    ),
    auxiliary: group(
      { title: 'Auxiliary decoder (SIM-CoT)', tex: '\\mathcal{L}_{\\mathrm{CE}}(s_g \\mid z_{c(g-1)+1:cg})' },
      {
        per: setting(z.enum(['sequence', 'token']).default('sequence'), {
          label: 'Steps’ loss per',
          help: 'What the summed cross-entropy of a step is divided by: the samples of the batch, or the tokens. No effect where the weight of the steps is 0.',
          source: 'SIM-CoT’s code on Coconut: by sequences, or by tokens as an option',
          options: { sequence: 'sample', token: 'token' },
        }),
      },
    ),
    weights: group(
      { title: 'Loss weights' },
      {
        answer: plainAnswerWeight,
        decoder: setting(weight().default(0), {
          label: 'Steps in a decoder',
          tex: '\\delta',
          help: weightHelp(
            'Weight of the cross-entropy of each step in an auxiliary decoder that reads the latents in its place: SIM-CoT on Coconut. The decoder has a LoRA of its own, and is not needed once the student is trained.',
          ),
          source: 'SIM-CoT’s code on Coconut: 1; Coconut has none',
        }),
      },
    ),
  }),
  loss: '\\mathcal{L} = \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{steps}_{s+1\\dots},\\ \\text{answer}\\mid x, z_{1:n}) + \\delta\\,\\mathcal{L}_{\\mathrm{step}}',
  paths: ({ curriculum: { inPlace } }: CoconutRun) => [
    studentPath(
      inPlace === 'latents' ? 'Latent path, at stage s' : 'Path at stage s',
      ...[...REASONING[inPlace], rationale('steps after s')],
    ),
    {
      ...{
        id: DECODER,
        label: 'Auxiliary decoder, for each step',
        model: 'base',
        adapters: ['LoRA of its own'],
      },
      parts: [thoughts('latents of step g', 'of the latent path'), rationale('step g')],
    },
  ],
  terms: [
    {
      ...answerTerm('x, z_{1:n}', 'Coconut §3', { said: '\\text{steps}_{s+1\\dots},\\ \\text{answer}' }),
      label: 'steps and answer',
      sits: { path: STUDENT, at: ['reasoning', 'prompt', 'answer'], on: 'text' },
      unit: 'nats per token, weighted',
      about:
        'Cross-entropy of all that follows the latents: the steps that are still written, the answer prompt and the answer.',
    },
    {
      name: 'explain',
      label: 'steps in a decoder',
      tex: '\\delta\\,\\tfrac1G\\textstyle\\sum_g \\mathcal{L}_{\\mathrm{CE}}(s_g\\mid z_{c(g-1)+1:cg})',
      unit: 'nats, by samples or tokens, weighted',
      about:
        'Cross-entropy of each step, read by the auxiliary decoder from the latents in its place; where a problem has no such step, of what follows its latents.',
      source: 'SIM-CoT, arXiv:2509.20317, its code on Coconut',
      weight: 'weights.decoder',
      sits: { path: DECODER, at: ['reasoning'], on: 'text' },
    },
  ],
  stages,
  presets: [
    {
      id: 'coconut-128',
      name: 'Coconut',
      about:
        'The curriculum of the paper with a latent for each of five steps, and with adapters in place of full training. Tuned for the bundled pair.',
      changes: { ...TUNED, weights: { answer: 1 } },
    },
    {
      id: 'sim-cot-coconut-128',
      name: 'SIM-CoT on Coconut',
      about:
        'Coconut with an auxiliary decoder that must say each step from the latents in its place. Tuned for the bundled pair. The released code never computes this loss: its run is plain Coconut for more epochs.',
      changes: {
        ...TUNED,
        lora: { rank: 8 },
        optimiser: { ...TUNED.optimiser, learningRate: 2e-3 },
        weights: { answer: 1, decoder: 0.3 },
      },
    },
    {
      id: 'coconut-gpt2-gsm8k',
      name: 'Coconut, table 1, GPT-2 on GSM8K',
      about:
        'Coconut’s code on GSM8K: three epochs a stage, the last stage to epoch 25, a constant rate without warm-up, 128 samples a step; all weights; here over 4096 samples rather than 385,620, and from stage 0 rather than from a checkpoint that writes its steps. Not for the bundled pair.',
      paper: true,
      changes: {
        ...WHOLE_MODEL,
        curriculum: { latentsPerStep: 2, stages: 3, stageSteps: 96, reset: 'epoch' },
        optimiser: { ...COCONUT_OPTIMISER, steps: 800 },
      },
    },
    {
      id: 'coconut-prosqa',
      name: 'Coconut, table 1, GPT-2 on ProsQA and ProntoQA',
      about:
        'Coconut’s code on ProsQA and ProntoQA: one latent a step, six stages of five epochs, 50 epochs, all weights; here over 4096 samples. Not for the bundled pair.',
      paper: true,
      changes: {
        ...WHOLE_MODEL,
        curriculum: { latentsPerStep: 1, stages: 6, stageSteps: 160, reset: 'epoch' },
        optimiser: { ...COCONUT_OPTIMISER, steps: 1600 },
      },
    },
    ...(
      [
        ['gpt2', 'GPT-2', 1e-4, 25, 3],
        ['llama-1b', 'Llama-3.2-1B', 1e-5, 5, 1],
      ] as const
    ).map(([id, model, learningRate, epochs, perStage]) => ({
      id: `coconut-codi-${id}`,
      name: `Coconut, CODI table 1, ${model}`,
      about: `Coconut as CODI trains ${model} (appendix A): ${epochs} epochs on written steps, then ${epochs} with latents, all weights; here in one run, over 4096 samples rather than 385,620. ${perStage === 1 ? 'A stage is one epoch, this app’s own choice: CODI does not say how its five are shared out, and names iCoT in this sentence, by mistake it seems. ' : ''}What it leaves open is as in Coconut’s code: two latents a step, three ${perStage === 1 ? 'stages' : 'stages of three epochs'}, a constant rate, 128 samples a step. Not for the bundled pair.`,
      paper: true,
      changes: {
        ...WHOLE_MODEL,
        // An epoch is 32 steps.
        curriculum: {
          ...{ latentsPerStep: 2, stages: 3, reset: 'epoch' },
          ...{ firstSteps: 32 * epochs, stageSteps: 32 * perStage },
        },
        optimiser: { ...COCONUT_OPTIMISER, steps: 2 * 32 * epochs, learningRate },
      },
    })),
    {
      id: 'coconut-sim-cot-gpt2',
      name: 'Coconut, as SIM-CoT trains it, GPT-2',
      about:
        'SIM-CoT’s configuration of plain Coconut: two latents a step, five stages of three epochs, the last one to epoch 25, 16 samples a step, its batch on one GPU; all weights; here over 4096 samples, and from stage 0. Not for the bundled pair.',
      paper: true,
      changes: {
        ...WHOLE_MODEL,
        curriculum: { latentsPerStep: 2, stages: 5, stageSteps: 768, reset: 'epoch' },
        optimiser: { ...COCONUT_OPTIMISER, steps: 6400, batch: 8, accumulation: 2 },
      },
    },
    {
      id: 'sim-cot-coconut-gpt2',
      name: 'SIM-CoT on Coconut, GPT-2',
      about:
        'SIM-CoT’s configuration on Coconut: two latents a step, five stages of three epochs, 35 epochs, 16 samples a step, its batch on one GPU; here over 4096 samples, from the base rather than from a student of Coconut, and with adapters, of rank 128, rather than all weights of both models. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        curriculum: { latentsPerStep: 2, stages: 5, stageSteps: 768, reset: 'epoch' },
        weights: { answer: 1, decoder: 1 },
        lora: { rank: 128, alpha: 32 },
        optimiser: { ...COCONUT_OPTIMISER, steps: 8960, batch: 8, accumulation: 2 },
      },
    },
  ],
  ablations: coconutAblations,
});
