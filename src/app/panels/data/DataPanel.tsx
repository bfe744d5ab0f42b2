import './data.css';
import { useApp } from '../../store/use-app';
import { Panel } from '../../ui/Panel';
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
  const model = useApp((state) => state.lens.opened.value);
  if (!report)
    return (
      <div className="place columns-2">
        <OpenDataCard />
        <FormatsCard />
      </div>
    );
  return (
    <div className="place with-side">
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
