import { type AblationData, varying } from './ablation';

const PRESET = 'dart-128';

/** DART's ablations. */
export const dartAblations: readonly AblationData[] = [
  {
    id: 'dart-parts',
    name: 'Parts of DART (DART table 3)',
    about:
      'Llama-3.2-1B on GSM8K: DART 42.6 %, without silent thoughts 36.8, without REM 36.2, LoRA as REM 40.8, without distillation 33.7, distilled on the answer’s first token 31.5, No-CoT 32.5. The table’s last place of the distillation, the separator and the answer (33.7), has no setting here: the paper does not say how the two are joined.',
    source: 'DART table 3',
    varied: 'variant',
    measure: 'accuracy',
    baseline: 'DART',
    points: [
      { name: 'DART', preset: PRESET },
      { name: 'without silent thoughts', preset: PRESET, changes: { silent: { count: 0 } } },
      { name: 'without REM', preset: PRESET, changes: { rem: { kind: 'none' } } },
      {
        name: 'without REM, LoRA in both paths',
        preset: PRESET,
        changes: { rem: { kind: 'none' }, silent: { pathway: 'both' } },
      },
      { name: 'LoRA as REM', preset: PRESET, changes: { rem: { kind: 'lora' } } },
      { name: 'without distillation', preset: PRESET, changes: { weights: { distil: 0 } } },
      {
        name: 'distilled on the answer’s first token',
        preset: PRESET,
        changes: { distance: { position: 'answer-start' } },
      },
      { name: 'No-CoT', preset: 'nocot-128' },
    ],
  },
  {
    id: 'dart-count',
    name: 'Silent thoughts (DART figure 2)',
    about:
      'In DART accuracy grows with C and then stays, and an answer takes hardly longer. The values of the figure’s axis are not in its text: these are this project’s.',
    source: 'DART figure 2',
    varied: 'silent thoughts C',
    measure: 'accuracy',
    baseline: 'C = 8',
    points: varying([0, 1, 2, 4, 8, 16, 32], PRESET, 'C', (count) => ({ silent: { count } })),
  },
];
