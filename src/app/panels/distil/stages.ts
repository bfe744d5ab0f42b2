import type { RunConfig } from '../../../contract/config';
import type { EvaluationEvent } from '../../../contract/events';
import type { Stage } from '../../../contract/methods/curriculum';
import { methodOf } from '../../../contract/methods/index';
import { type Methods, runStages } from '../../../contract/methods/method';
import type { Mark } from '../../charts/marks';

/** The stages of a run's curriculum; none of a method without one. */
export const stagesOfRun = (config: RunConfig | null, methods: Methods): readonly Stage[] =>
  config ? runStages(methodOf(config.method, methods), config) : [];

/** Marks where stages begin, up to the last step done; their number is the label. None for a single stage. */
export const marksOf = (stages: readonly Stage[], done: number): Mark[] =>
  stages.length < 2
    ? []
    : stages.flatMap(({ from }, i) => (from < done ? [{ x: from + 1, label: `${i + 1}` }] : []));

/** A stage with the validation accuracy measured last in it. */
export interface StageRow extends Stage {
  readonly number: number;
  /** Its last step, as far as the run got. */
  readonly to: number;
  readonly measured: Pick<EvaluationEvent, 'step' | 'accuracy'> | undefined;
}

/** The same for other programs: numbers as they are. */
export const stageTable = (rows: readonly StageRow[]) => ({
  columns: [
    'stage',
    'trained on',
    'first step',
    'last step',
    'validation accuracy',
    'low',
    'high',
    'at step',
  ],
  rows: rows.map(({ number, name, from, to, measured }) => [
    ...[number, name, from + 1, to],
    ...[measured?.accuracy.share ?? null, measured?.accuracy.low ?? null, measured?.accuracy.high ?? null],
    measured?.step ?? null,
  ]),
});

/** The stages that have begun. */
export const stageRows = (
  stages: readonly Stage[],
  accuracy: readonly Pick<EvaluationEvent, 'step' | 'accuracy'>[],
  done: number,
): StageRow[] =>
  stages.flatMap((stage, i) => {
    if (stage.from >= done) return [];
    const to = Math.min(done, stages[i + 1]?.from ?? done);
    const measured = accuracy.findLast(({ step }) => step > stage.from && step <= to);
    return [{ ...stage, number: i + 1, to, measured }];
  });
