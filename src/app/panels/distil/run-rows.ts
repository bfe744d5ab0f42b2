import { stageAt } from '../../../contract/methods/curriculum';
import type { Methods } from '../../../contract/methods/method';
import type { CsvRows } from '../../../text/csv';
import type { RunState } from '../../store/run';
import { shownTerms } from '../../store/terms';
import { stagesOfRun } from './stages';

/**
 * The curves of a run, a row for every step that has a loss or a validation accuracy. The two are thinned apart in long
 * runs, so that a row may have only one of them. Of a curriculum, with the number of the step's stage.
 */
export function runRows({ series, config }: Pick<RunState, 'series' | 'config'>, methods: Methods): CsvRows {
  const terms = shownTerms(series, config?.method ?? null, methods);
  const stages = stagesOfRun(config, methods);
  const accuracyAt = new Map(
    series.accuracy.filter(({ set }) => set === 'validation').map((event) => [event.step, event.accuracy]),
  );
  const indexOf = new Map(series.step.map((step, i) => [step, i]));
  const head = [
    'step',
    ...(stages.length > 1 ? ['stage'] : []),
    ...terms.map(({ name }) => `loss ${name}`),
    'learning rate',
    'gradient norm',
    'milliseconds',
    'validation accuracy',
    'low',
    'high',
  ];
  const steps = [...new Set([...series.step, ...accuracyAt.keys()])].sort((a, b) => a - b);
  const rows = steps.map((step) => {
    const i = indexOf.get(step) ?? -1;
    const accuracy = accuracyAt.get(step);
    return [
      step,
      ...(stages.length > 1 ? [stageAt(stages, step - 1) + 1] : []),
      ...terms.map(({ name }) => series.losses[name]?.[i] ?? null),
      series.learningRate[i] ?? null,
      series.gradientNorm[i] ?? null,
      series.milliseconds[i] ?? null,
      accuracy?.share ?? null,
      accuracy?.low ?? null,
      accuracy?.high ?? null,
    ];
  });
  return [head, ...rows];
}
