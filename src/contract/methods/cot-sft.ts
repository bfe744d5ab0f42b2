import { group, OURS, setting } from '../settings';
import { defineMethod } from './method';
import { writtenPath } from './paths';
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
  ],
});
