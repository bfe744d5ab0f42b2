import type { AblationData } from './ablation';

const PRESET = 'coconut-128';

/** Coconut's ablations. */
export const coconutAblations: readonly AblationData[] = [
  {
    id: 'coconut-parts',
    name: 'Parts of Coconut (Coconut table 1)',
    about:
      'GPT-2 on GSM8k, ProntoQA and ProsQA: Coconut 34.1, 99.8 and 97.0 %, without the curriculum 14.4, 52.4 and 76.1, without thoughts 21.6, 99.9 and 95.5, with pauses as thoughts 24.1, 100.0 and 96.6; iCoT 30.0, 99.8 and 98.2, pause tokens 16.4, 77.7 and 75.9, CoT 42.9, 98.8 and 77.5, No-CoT 16.5, 93.8 and 76.7. The paper trains all weights; here all variants have the same adapter. The preset draws 30 % of its samples at any stage up to the current one; without the curriculum none.',
    source: 'Coconut table 1',
    varied: 'variant',
    measure: 'accuracy',
    baseline: 'Coconut',
    points: [
      { name: 'Coconut', preset: PRESET },
      // The last stage from the first step on: the latents of all stages, and no written step.
      { name: 'without curriculum', preset: PRESET, changes: { curriculum: { first: 6, uniform: 0 } } },
      { name: 'without thoughts', preset: PRESET, changes: { curriculum: { inPlace: 'nothing' } } },
      { name: 'pauses as thoughts', preset: PRESET, changes: { curriculum: { inPlace: 'pauses' } } },
      { name: 'iCoT', preset: 'icot-128' },
      { name: 'pause tokens', preset: 'pause-ft-128' },
      { name: 'CoT', preset: 'cot-sft-128' },
      { name: 'No-CoT', preset: 'nocot-128' },
    ],
  },
];
