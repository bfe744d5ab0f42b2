import { z } from 'zod';
import { ANSWER_RULES, RULE_IDS } from './answer-rules';
import { ANSWER_PROMPT } from './data';
import { STUDENTS, TEACHERS, TRAINING_DATA } from './roles';
import { APP, count, group, setting } from './settings';

/** The settings every run has, whatever its method. */

export const LINEARS = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

/** Held-out problems of a run, at most. */
export const MAX_HELD_OUT = 5000;

/** Settings that come before the method's own. */
export const before = {
  /** Seeds sample choice, batch order and LoRA initialisation. */
  seed: setting(count(0, 2 ** 31 - 1).default(1), {
    label: 'Seed',
    help: 'Seeds the choice of samples, the order of batches and the initial LoRA weights.',
    source: APP,
    group: 'data',
  }),
  /** Which models, and which texts. */
  roles: group(
    { title: 'Models and data' },
    {
      student: setting(z.enum(STUDENTS).default('bundled'), {
        label: 'Student',
        help: 'The model that is trained: by adapters beside its weights, which then stay as they are, or by a copy of all its weights.',
        source: APP,
        options: { bundled: 'the bundled base', opened: 'the opened model' },
      }),
      teacher: setting(z.enum(TEACHERS).default('bundled'), {
        label: 'Teacher',
        help: 'The model whose hidden states are distilled. It must have the student’s tokenizer. A student, or any opened model, can be kept as teacher: it stays when another model is opened.',
        source: APP,
        options: {
          bundled: 'the bundled teacher',
          self: 'the student’s own model, untrained',
          kept: 'the kept teacher',
        },
      }),
      data: setting(z.enum(TRAINING_DATA).default('bundled'), {
        label: 'Data',
        help: 'Where training, validation and held-out problems come from.',
        source: APP,
        options: { bundled: 'the bundled word problems', opened: 'the opened data set' },
      }),
    },
  ),
  data: group(
    { title: 'Data and seed' },
    {
      samples: setting(count(1, 4096).default(128), {
        label: 'Training samples',
        tex: 'B',
        unit: 'samples',
        help: 'How many problems the student is trained on.',
        source: 'LoRi §4: accuracy saturates near 128 samples',
      }),
      validation: setting(count(0, 2000).default(100), {
        label: 'Validation problems',
        unit: 'problems',
        help: 'Problems for the accuracy curve during training; never those of the final accuracy.',
        source: APP,
      }),
      heldOut: setting(count(0, MAX_HELD_OUT).default(200), {
        label: 'Held-out problems',
        unit: 'problems',
        help: 'Problems for the final accuracy; none is trained or validated on.',
        source: APP,
      }),
      split: setting(count(0, 2 ** 31 - 1).default(1), {
        label: 'Split seed',
        help: 'Of an opened data set: seeds which rows are held out, so that runs with other seeds answer the same ones.',
        source: APP,
      }),
      longest: setting(count(0, 8192).default(512), {
        label: 'Longest row',
        unit: 'tokens',
        help: 'Of an opened data set: rows with more tokens of question, rationale, answer prompt and answer are left out and listed; 0 for as many as the model has positions.',
        source: APP,
      }),
      prompt: setting(z.string().min(1).max(200).default(ANSWER_PROMPT), {
        label: 'Answer prompt',
        help: 'Introduces the answer, after the latents or the rationale; its last token is the anchor.',
        source: 'LoRi §3.3 and CODI §3.4: “The answer is:”',
      }),
      rule: setting(z.enum(['set', ...RULE_IDS]).default('set'), {
        label: 'Answer rule',
        help: 'How a generated answer is compared with the reference; the bundled problems’ own is the last number.',
        source: APP,
        options: {
          set: 'the data set’s own',
          ...Object.fromEntries(RULE_IDS.map((id) => [id, ANSWER_RULES[id].label])),
        },
      }),
    },
  ),
  /** How often the run is kept in storage; it does not change the run. */
  keeping: group(
    { title: 'Keeping' },
    {
      every: setting(count(0, 10_000).default(0), {
        label: 'Keep every',
        unit: 'steps',
        help: 'How often the student, its optimiser’s moments and its curves are written to storage: whatever ends the run, at most so many steps are lost. 0 chooses the number for which writing takes about 2 % of the time. It does not change the run.',
        source: APP,
      }),
    },
  ),
};

/** Settings that come after the method's own. */
export const after = {
  training: group(
    { title: 'What is trained' },
    {
      weights: setting(z.enum(['lora', 'full']).default('lora'), {
        label: 'Weights',
        help: 'LoRA adapters beside weights that stay as they are, or the student’s own weights, all of them, with embedding, norms and head (full fine-tuning; LoRA’s settings then have no effect). Full fine-tuning takes 16 bytes a weight, for value, gradient and two moments, and wants a smaller learning rate. A method’s own modules and tokens are trained either way.',
        source: 'CODI, DART and LoRi train adapters; Coconut’s and iCoT’s codes train all weights',
        options: { lora: 'LoRA adapters', full: 'all weights' },
      }),
    },
  ),
  lora: group(
    { title: 'LoRA', tex: "W' = W + \\tfrac{\\alpha}{r} B A" },
    {
      rank: setting(count(1, 256).default(8), {
        label: 'Rank',
        tex: 'r',
        unit: 'directions',
        help: 'Rank of each adapter.',
        source: 'CODI and DART have 128; the default is this app’s own choice, for a small model',
      }),
      alpha: setting(z.number().positive().max(1024).default(16), {
        label: 'Scale',
        tex: '\\alpha',
        help: 'The adapters’ output is multiplied by α/r.',
        source: 'CODI’s scripts and DART have 32; the default is this app’s own choice',
      }),
      dropout: setting(z.number().min(0).max(0.9).default(0), {
        label: 'Dropout',
        tex: 'p',
        help: 'Share of each adapter’s input that is dropped in a training step; 0 for none.',
        source: 'CODI trains with 0.1; the default is this app’s own choice',
      }),
      targets: setting(
        z
          .array(z.enum(LINEARS))
          .min(1)
          .default([...LINEARS]),
        {
          label: 'Target modules',
          help: 'The linear layers that get an adapter, in every transformer layer. GPT-2 has no gate: there it is passed over.',
          source: 'CODI trains adapters on all seven',
        },
      ),
    },
  ),
  optimiser: group(
    { title: 'Optimiser (AdamW)' },
    {
      steps: setting(count(1, 100_000).default(150), {
        label: 'Steps',
        unit: 'steps',
        help: 'Number of updates.',
        source:
          'the papers count epochs, CODI 10 to 40 of 385,620 rows; the default is this app’s own choice',
      }),
      batch: setting(count(1, 128).default(8), {
        label: 'Batch size',
        unit: 'samples',
        help: 'Samples that are computed at once.',
        source: 'CODI, PCCoT and Coconut: 128; the default is this app’s own choice',
      }),
      accumulation: setting(count(1, 64).default(1), {
        label: 'Gradient accumulation',
        unit: 'batches',
        help: 'Batches per update. Their gradients add up to that of one batch as large as all of them; what a loss takes over its batch, such as a standard deviation, stays that of each, as do the means of methods with sequences of their own.',
        source: 'CODI trains with 64 × 2 and 32 × 4; the default is this app’s own choice',
      }),
      learningRate: setting(z.number().positive().max(1).default(1.5e-3), {
        label: 'Learning rate',
        tex: '\\eta',
        help: 'The peak, reached after the warm-up.',
        source: 'CODI: 3e-3 for GPT-2, 8e-4 for Llama-3.2-1B; the default is this app’s own choice',
      }),
      schedule: setting(z.enum(['cosine', 'constant']).default('cosine'), {
        label: 'Schedule',
        help: 'What follows the warm-up: the rate falls to 0 along half a cosine, or stays at its peak.',
        source: 'CODI appendix A: cosine; Coconut and iCoT train at a constant rate',
        options: { cosine: 'cosine to 0', constant: 'constant' },
      }),
      moduleRate: setting(z.number().positive().max(1000).default(1), {
        label: 'Rate of modules and tokens',
        unit: 'times the learning rate',
        help: 'For what is trained outside the layers: projections and embeddings of added tokens. No effect on a method without them.',
        source: APP,
      }),
      warmup: setting(z.number().min(0).max(1).default(0.05), {
        label: 'Warm-up',
        unit: 'of the steps',
        help: 'The share of steps over which the learning rate rises linearly.',
        source: 'CODI, PCCoT and DART: 0.03; the default is this app’s own choice',
      }),
      weightDecay: setting(z.number().min(0).max(1).default(0.01), {
        label: 'Weight decay',
        help: 'Decoupled, as in AdamW; not on norms and biases.',
        source: 'CODI: 0.1, Coconut and PCCoT: 0.01',
      }),
      beta1: setting(z.number().min(0).max(0.9999).default(0.9), {
        label: 'First-moment decay',
        tex: '\\beta_1',
        help: 'Decay of the running mean of gradients.',
        source: 'torch’s AdamW, with which the codes train',
      }),
      beta2: setting(z.number().min(0).max(0.99999).default(0.999), {
        label: 'Second-moment decay',
        tex: '\\beta_2',
        help: 'Decay of the running mean of squared gradients.',
        source: 'torch’s AdamW, with which the codes train',
      }),
      epsilon: setting(z.number().positive().max(1).default(1e-8), {
        label: 'Epsilon',
        tex: '\\epsilon',
        help: 'Added to the denominator of the update.',
        source: 'torch’s AdamW, with which the codes train',
      }),
      clip: setting(z.number().positive().max(1e6).default(1), {
        label: 'Gradient clipping',
        help: 'Maximum global gradient norm; a longer gradient is scaled down to it.',
        source: 'iCoT and PCCoT: 1; CODI: 2',
      }),
    },
  ),
  evaluation: group(
    { title: 'Evaluation' },
    {
      every: setting(count(0, 100_000).default(50), {
        label: 'Evaluate every',
        unit: 'steps',
        help: 'How often validation accuracy is measured; 0 for never.',
        source: APP,
      }),
      keepBest: setting(z.boolean().default(false), {
        label: 'Keep the best',
        help: 'Keep the adapter with the best validation accuracy rather than the last one.',
        source: APP,
      }),
      explicit: setting(z.boolean().default(false), {
        label: 'Explicit reasoning too',
        help: 'Measure the final student also while it writes its rationale (LoRi-E): whether it can still reason in words. Takes several times as long as answering from latents.',
        source: 'LoRi §4.2, LoRi-E; off because of the time it takes',
      }),
    },
  ),
  /** What is observed while the student learns; it does not change the run. */
  observation: group(
    {
      title: 'Observation',
      tex: '\\operatorname{erank} = \\exp\\Big(-\\textstyle\\sum_i p_i \\log p_i\\Big),\\quad p_i = \\sigma_i \\big/ \\sum_j \\sigma_j',
    },
    {
      every: setting(count(0, 100_000).default(25), {
        label: 'Observe every',
        unit: 'steps',
        help: 'How often the student is kept as a checkpoint for Low-rank, with the spectrum of its latents if it has any; 0 for never. It does not change the run.',
        source: APP,
      }),
      samples: setting(count(1, 64).default(8), {
        label: 'Observed samples',
        unit: 'samples',
        help: 'Training samples whose latents are observed; all layers and steps of a sample form one matrix.',
        source: APP,
      }),
    },
  ),
};
