import { useEffect } from 'react';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Empty, Panel } from '../../../ui/Panel';
import { TaskStatus } from '../../shared/TaskStatus';
import { Compared } from './Compared';
import { EvaluationFiles } from './EvaluationFiles';
import { EvaluationForm } from './EvaluationForm';
import { DamagedEvaluations, EvaluationList } from './EvaluationList';
import { Items } from './Items';
import { LengthsCharts } from './LengthsCharts';
import { StepsTable } from './StepsTable';
import { SweepChart } from './SweepChart';

/** How often subjects are right, and how long they take: problem by problem, two of them compared. */
export function EvaluationCard() {
  const task = useApp((state) => state.evaluation.task);
  const isEmpty = useApp((state) => state.evaluation.list.length === 0);
  const isRead = useApp((state) => state.evaluation.isRead);
  const { cancelEvaluation, loadEvaluations } = useActions();

  // Not when the page starts: there may be many, and they are looked at here only.
  useEffect(() => {
    void loadEvaluations();
  }, [loadEvaluations]);

  return (
    <Panel
      title="Evaluation"
      about="Problems are answered one by one: after thoughts (implicit), after a written rationale (explicit), or at once (no-CoT). Answers are kept in this browser as they arrive (the latest 50 evaluations), so an evaluation that was cancelled or interrupted by a reload continues where it stopped, also in another tab."
      actions={<EvaluationFiles />}
    >
      <EvaluationForm />
      <TaskStatus
        task={task}
        label={task.progress === null ? 'Preparing the evaluation' : 'Answering problems'}
        onCancel={cancelEvaluation}
        cancelLabel="Cancel the evaluation"
        failed="The evaluation did not finish"
      />
      <DamagedEvaluations />
      {isEmpty ? (
        isRead && !isBusy(task) && <Empty>Nothing has been evaluated yet.</Empty>
      ) : (
        <>
          <EvaluationList />
          <StepsTable />
          <SweepChart />
          <Compared />
          <LengthsCharts />
          <Items />
        </>
      )}
    </Panel>
  );
}
