import type { AblationData } from './ablation';

const PRESET = 'icot-128';

/** iCoT's options, each changed alone. */
export const icotAblations: readonly AblationData[] = [
  {
    id: 'icot-options',
    name: 'Options of the removal (iCoT)',
    about:
      'Options of iCoT’s code, each changed alone. Its authors find slower removal more stable (issue 1 of its repository); no figures of the other options were at hand.',
    source: 'iCoT’s code; the values are this project’s',
    varied: 'variant',
    measure: 'accuracy',
    baseline: 'iCoT',
    points: [
      { name: 'iCoT', preset: PRESET },
      { name: 'without smoothing', preset: PRESET, changes: { removal: { smoothing: 100 } } },
      { name: 'optimiser kept', preset: PRESET, changes: { removal: { reset: false } } },
      { name: 'positions kept', preset: PRESET, changes: { removal: { positions: 'kept' } } },
      { name: 'last tokens first', preset: PRESET, changes: { removal: { side: 'right' } } },
      {
        name: 'twice as fast',
        preset: PRESET,
        changes: { removal: { perStage: 14 } },
      },
      {
        name: 'all at once',
        preset: PRESET,
        changes: { removal: { allBeyond: 0 } },
      },
      { name: 'No-CoT', preset: 'nocot-128' },
    ],
  },
];
