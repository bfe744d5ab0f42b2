import './data.css';
import { useRef } from 'react';
import type { DataReport } from '../../../contract/data';
import { useActions, useApp } from '../../store/use-app';
import { Panel } from '../../ui/Panel';
import { useUndoKeys } from '../../ui/UndoButtons';
import { RowsFigure } from '../shared/RowsFigure';
import { AnswersCard } from './AnswersCard';
import { DrawForm } from './DrawForm';
import { FormatsCard } from './FormatsCard';
import { OpenDataCard } from './OpenDataCard';
import { ProblemsCard } from './ProblemsCard';
import { ReportCard } from './ReportCard';
import { RowsCard } from './RowsCard';
import { RuleCard } from './RuleCard';

/** A data set: what was read, which rows are drawn, and how their answers are marked. */
export function DataPanel() {
  const report = useApp((state) => state.data.report.value);
  if (report) return <OpenSet report={report} />;
  return (
    <div className="place columns-2">
      <OpenDataCard />
      <FormatsCard />
    </div>
  );
}

/** Ctrl+Z undoes a change of the settings. */
function OpenSet({ report }: { readonly report: DataReport }) {
  const model = useApp((state) => state.lens.opened.value);
  const { undoData, redoData } = useActions();
  const form = useRef<HTMLDivElement>(null);
  useUndoKeys(form, { undo: undoData, redo: redoData });
  return (
    <div className="place with-side" ref={form}>
      <div className="side">
        <ReportCard report={report} />
        {report.rows > 0 && (
          <Panel
            title="Rows drawn"
            about="The seed orders all rows. The sample is the first of those that pass the filter, the held-out rows are the last: neither changes with the other’s size, and they share no question."
          >
            <DrawForm />
          </Panel>
        )}
        <OpenDataCard isAnother />
      </div>
      <div className="main">
        {report.rows > 0 && (
          <>
            {model !== null && (
              <Panel title="Hidden states of the sample" about={`Read by ${model.name}.`}>
                <RowsFigure look="primary" />
              </Panel>
            )}
            <RowsCard report={report} />
            <RuleCard report={report} />
            <AnswersCard report={report} />
          </>
        )}
        <ProblemsCard report={report} />
      </div>
    </div>
  );
}
