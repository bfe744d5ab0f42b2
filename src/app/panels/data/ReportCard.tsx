import { useState } from 'react';
import { ANSWER_RULES } from '../../../contract/answer-rules';
import {
  type ColumnMapping,
  DATA_FORMATS,
  type DataFormat,
  type DataReport,
  FORMAT_TEXTS,
  licenceWords,
  type Spread,
} from '../../../contract/data';
import { isLinked, originWords, SHA_DIGITS } from '../../store/data-origin';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Choice } from '../../ui/Choice';
import { Notice } from '../../ui/ErrorNotice';
import { CheckField, FieldName } from '../../ui/Field';
import { bytes, integer } from '../../ui/format';
import { Facts, Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { DataUndo } from './DataUndo';

const spread = ({ least, median, most }: Spread) => `${integer(least)} to ${integer(most)}, median ${median}`;

/** What was read, and how; the format can be changed. */
export function ReportCard({ report }: { readonly report: DataReport }) {
  const task = useApp((state) => state.data.report);
  const reading = useApp((state) => state.data.reading);
  const origin = useApp((state) => state.data.origin);
  const { changeReading, cancelData } = useActions();
  const busy = isBusy(task);
  const { format, detected, rows, malformed, duplicates } = report;
  return (
    <Panel title={report.name} about={`${FORMAT_TEXTS[format].label}, ${report.layout}, ${report.encoding}.`}>
      {report.notes.map((note) => (
        <Notice key={note} kind="warning">
          {note}
        </Notice>
      ))}
      <Facts
        items={[
          ['Rows', integer(rows)],
          ['Malformed', malformed === 0 ? 'none' : `${integer(malformed)}, left out`],
          ['Duplicates', duplicates === 0 ? 'none' : `${integer(duplicates)}, left out`],
          ['Steps per row', spread(report.steps)],
          ['Words per row', `${spread(report.words)} (question and rationale)`],
          ['Answer rule', ANSWER_RULES[report.rule].label],
          ['Licence', licenceWords(report)],
          ['Size', bytes(report.bytes)],
          ['SHA-256', <code key="sha">{report.sha256.slice(0, SHA_DIGITS)}…</code>],
          [
            'The page’s address',
            isLinked(origin)
              ? `names ${originWords(origin)}, and the settings`
              : 'has the settings alone: files of your own, and sets of a mirror, are in no link',
          ],
        ]}
      />
      <Choice
        label={<FieldName label="Read as" />}
        value={format}
        isDisabled={busy}
        options={DATA_FORMATS.map((id) => ({
          id,
          label: FORMAT_TEXTS[id].label,
          about: FORMAT_TEXTS[id].about,
        }))}
        onChange={(next) => void changeReading({ format: next === detected ? null : next, columns: null })}
        help={
          detected === null
            ? 'The content matches none of the known formats.'
            : `Detected: ${FORMAT_TEXTS[detected].label}, because ${report.why}.`
        }
      />
      {format === 'columns' && <MappingFields report={report} isDisabled={busy} />}
      {hasAnnotations(format) && (
        <CheckField
          label="Keep calculator annotations"
          help="GSM8K’s solutions hold <<48/2=24>>; without them the rationale is only the sentences."
          isSelected={reading.annotations === 'keep'}
          isDisabled={busy}
          onChange={(keep) => void changeReading({ annotations: keep ? 'keep' : 'remove' })}
        />
      )}
      {busy && (
        <Progress
          label="Reading the data set"
          {...task.progress}
          onCancel={cancelData}
          cancelLabel="Cancel reading"
          isCancelling={task.status === 'cancelling'}
        />
      )}
      {rows === 0 && <DataUndo />}
    </Panel>
  );
}

const hasAnnotations = (format: DataFormat) => format === 'gsm8k';

/** No column. A column may have any name but the empty one. */
const NONE = '';

/** Which column is what; the rows are read as soon as question and answer are chosen. */
function MappingFields({
  report,
  isDisabled,
}: {
  readonly report: DataReport;
  readonly isDisabled: boolean;
}) {
  const { changeReading } = useActions();
  const { columns, mapping } = report;
  const [chosen, setChosen] = useState<Partial<ColumnMapping>>({});
  const shown = mapping ?? chosen;
  const change = (field: keyof ColumnMapping, name: string) => {
    const { [field]: _before, ...rest } = shown;
    const next: Partial<ColumnMapping> = name === NONE ? rest : { ...rest, [field]: name };
    setChosen(next);
    const { question, answer } = next;
    if (question !== undefined && answer !== undefined)
      void changeReading({ format: 'columns', columns: { ...next, question, answer } });
  };
  const options = columns.map((name) => ({ id: name, label: name }));
  const needed = [{ id: NONE, label: 'choose …', isDisabled: true }, ...options];
  const fields = [
    ['question', 'Question', needed],
    ['answer', 'Answer', needed],
    ['rationale', 'Rationale', [{ id: NONE, label: 'none' }, ...options]],
  ] as const;
  return (
    <div className="data-fields">
      {fields.map(([field, label, all]) => (
        <Choice
          key={field}
          label={<FieldName label={label} />}
          value={shown[field] ?? NONE}
          isDisabled={isDisabled}
          options={all}
          onChange={(name) => change(field, name)}
        />
      ))}
    </div>
  );
}
