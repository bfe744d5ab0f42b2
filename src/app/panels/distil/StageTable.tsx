import type { EvaluationEvent } from '../../../contract/events';
import type { Stage } from '../../../contract/methods/curriculum';
import { CsvButton } from '../../ui/CsvButton';
import { DataTable } from '../../ui/DataTable';
import { percent } from '../../ui/format';
import { stageRows, stageTable } from './stages';

/** The stages of a curriculum, by the numbers at the marks of the curves, each with its last validation accuracy. */
export function StageTable({
  stages,
  accuracy,
  done,
}: {
  readonly stages: readonly Stage[];
  readonly accuracy: readonly EvaluationEvent[];
  /** Steps done. */
  readonly done: number;
}) {
  if (stages.length < 2) return null;
  const begun = stageRows(stages, accuracy, done);
  const rows = () => {
    const { columns, rows: values } = stageTable(begun);
    return [columns, ...values];
  };
  return (
    <section aria-labelledby="stages-title" className="observed">
      <div className="chart-head">
        <h4 id="stages-title">Accuracy by stage</h4>
        <div className="chart-tools">
          <CsvButton title="Accuracy by stage" fileName="stages" rows={rows} />
        </div>
      </div>
      <p className="about">
        Dashed lines in the curves mark where a stage begins. Each accuracy is the last one measured in its
        stage, where the student reasons as that stage trains it.
      </p>
      <DataTable
        caption="Stages of the curriculum"
        columns={['stage', 'trained on', 'steps', 'validation accuracy', '95 % interval', 'at step']}
        rows={begun.map(({ number, name, from, to, measured }) => [
          number,
          name,
          `${from + 1} to ${to}`,
          measured ? percent(measured.accuracy.share) : 'not measured',
          measured ? `${percent(measured.accuracy.low)} to ${percent(measured.accuracy.high)}` : '',
          measured?.step ?? '',
        ])}
      />
    </section>
  );
}
