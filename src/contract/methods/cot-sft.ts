import { group, OURS, setting } from '../settings';
import { ADAPTIVE_BASELINE_TRAINING, ADAPTIVE_STEPS } from './adaptive-settings';
import { defineMethod } from './method';
import { writtenPath } from './paths';
import { CODI_MODELS, CODI_RUNS, codiRunText } from './self-distillation';
import { explicitTerm, weight, weightHelp } from './shared';

/** Supervised fine-tuning on written reasoning: the reference that implicit methods are measured against. */
export const cotSft = defineMethod({
  id: 'cot-sft',
  label: 'CoT-SFT',
  about:
    'Learns to write the rationale before the answer; its accuracy is that of the answers it writes itself.',
  source: 'the CoT-SFT baseline of CODI table 1, SFT-CoT of LoRi table 1',
  settings: () => ({
    weights: group(
      { title: 'Loss weights' },
      {
        rationale: setting(weight().default(1), {
          label: 'Rationale and answer',
          tex: '\\lambda_E',
          help: weightHelp('Weight of the cross-entropy of rationale, prompt and answer.'),
          source: OURS,
        }),
      },
    ),
  }),
  loss: '\\mathcal{L} = \\lambda_E\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{rationale, answer}\\mid x)',
  paths: [writtenPath()],
  terms: [{ ...explicitTerm, source: 'CODI eq. 2', weight: 'weights.rationale' }],
  presets: [
    {
      id: 'cot-sft-128',
      name: 'CoT-SFT',
      about: 'Cross-entropy of the written rationale and answer. Tuned for the bundled pair.',
      changes: { lora: { rank: 16 }, optimiser: { steps: 200, learningRate: 2e-3 } },
    },
    {
      id: 'cot-sft-llama-1b',
      name: 'CoT-SFT, adaptive latent reasoning, table 1, Llama-3.2-1B',
      about: `CoT-SFT as adaptive latent reasoning trains it: ${ADAPTIVE_STEPS}, at a rate of 1e-4. Not for the bundled pair.`,
      paper: true,
      changes: ADAPTIVE_BASELINE_TRAINING,
    },
    {
      id: 'cot-sft-gpt2',
      name: 'CoT-SFT, Coconut’s first stage, GPT-2 on GSM8K',
      about:
        'What Coconut’s code trains before its curriculum: 25 epochs at a constant rate, 128 samples a step, all weights; here over 4096 samples rather than 385,620. Coconut goes on from the sixth epoch’s. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096 },
        training: { weights: 'full' },
        optimiser: {
          ...{ steps: 800, batch: 32, accumulation: 4, learningRate: 1e-4, schedule: 'constant' },
          ...{ warmup: 0, weightDecay: 0.01, clip: 1e6 },
        },
      },
    },
    ...CODI_MODELS.map(([id, model]) => ({
      id: `cot-sft-codi-${id}`,
      name: `CoT-SFT, CODI table 1, ${model}`,
      about: `CoT-SFT, trained as CODI trains ${model} (appendix A): ${codiRunText(id)}. Its answers are greedy here; CODI averages ten samples at a temperature of 0.1. Not for the bundled pair.`,
      paper: true,
      changes: CODI_RUNS[id],
    })),
  ],
});
