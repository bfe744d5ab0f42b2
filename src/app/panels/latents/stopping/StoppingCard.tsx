import { useMemo, useRef } from 'react';
import { type StoppingReport, stoppingSentences, summariseStopping } from '../../../../contract/stopping';
import { plainArrays } from '../../../../text/json';
import { LineChart } from '../../../charts/LineChart';
import {
  initialStoppingDraft,
  STOPPING_RANGES,
  type StoppingDraft,
  stoppingErrors,
} from '../../../store/stopping';
import { isBusy } from '../../../store/task';
import { useActions, useApp, useTheme } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { DataTable } from '../../../ui/DataTable';
import { download } from '../../../ui/download';
import { duration, percent, significant } from '../../../ui/format';
import { Empty, Panel } from '../../../ui/Panel';
import { FormUndo } from '../../shared/FormUndo';
import { ProblemsFields, useCanAnswer } from '../../shared/ProblemsFields';
import { SubjectField } from '../../shared/SubjectField';
import { TaskStatus } from '../../shared/TaskStatus';
import { byThoughtsLines, calibrationLines } from './lines';

/** Whether a student that decides when to stop, stops at the right time: answers after every number of thoughts. */
export function StoppingCard() {
  const task = useApp((state) => state.stopping.task);
  const { cancelStopping, runStopping } = useActions();
  return (
    <Panel
      title="What if it had stopped earlier?"
      about="For students with a stop head (adaptive latent reasoning): every problem is answered as if it had stopped after each number of thoughts, and each answer is set against the probability with which the head would have stopped there."
    >
      <StoppingForm />
      <TaskStatus
        task={task}
        label={task.progress === null ? 'Preparing' : 'Answering problems'}
        onCancel={cancelStopping}
        cancelLabel="Cancel the answers"
        failed="The problems were not answered"
      >
        <Button onPress={() => void runStopping()}>Try again</Button>
      </TaskStatus>
      {task.value && <Findings report={task.value} />}
      {!task.value && task.status === 'idle' && <Empty>Nothing has been asked yet.</Empty>}
    </Panel>
  );
}

function StoppingForm() {
  const draft = useApp((state) => state.forms.stopping.draft);
  const busy = useApp((state) => isBusy(state.stopping.task));
  const { changeForm, runStopping } = useActions();
  const changeStopping = (change: Partial<StoppingDraft>) => changeForm('stopping', change);
  const form = useRef<HTMLFormElement>(null);
  const errors = stoppingErrors(draft);
  const canAnswer = useCanAnswer(draft);
  const canRun = errors.size === 0 && canAnswer && !busy;
  return (
    <form
      ref={form}
      className="lens-form"
      aria-label="Counterfactual stopping"
      onSubmit={(event) => {
        event.preventDefault();
        if (canRun) void runStopping();
      }}
    >
      <div className="lens-wide-fields">
        <SubjectField
          label="Student"
          value={draft.subject}
          onChange={(subject) => changeStopping({ subject })}
        />
        <ProblemsFields
          value={draft}
          ranges={STOPPING_RANGES}
          usual={initialStoppingDraft}
          errors={errors}
          onChange={changeStopping}
        />
      </div>
      <div className="actions">
        <Button type="submit" look="primary" isDisabled={!canRun}>
          Stop it after every thought
        </Button>
        <FormUndo name="stopping" form={form} />
      </div>
    </form>
  );
}

function Findings({ report }: { readonly report: StoppingReport }) {
  const theme = useTheme();
  const summary = useMemo(() => summariseStopping(report), [report]);
  const lines = useMemo(
    () => ({ thoughts: byThoughtsLines(summary), calibration: calibrationLines(summary.calibration) }),
    [summary],
  );
  const source = `${report.label} (${report.model}) · ${report.ids.length} problems, ${report.ids[0]} to ${report.ids.at(-1)} · ${duration(report.milliseconds)}`;
  const { bins, brier, error, count } = summary.calibration;
  return (
    <>
      <div className="notice" role="status">
        {[...stoppingSentences(report, summary), ...report.notes].map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
      <div className="actions">
        <Button onPress={() => download('stopping.json', jsonOf(report), 'application/json')}>
          Download data (JSON)
        </Button>
      </div>
      <LineChart
        title="If all stopped after that many thoughts"
        summary="Share right, and the mean probability with which the head would stop there."
        series={lines.thoughts}
        x={{ label: 'thoughts before the answer', column: 'thoughts' }}
        y={{ label: 'share (95 %)', format: '%', range: [0, 1.02] }}
        scale="linear"
        height={260}
        theme={theme}
        source={source}
        fileName="accuracy-if-stopped"
      />
      {count > 0 && (
        <>
          <LineChart
            title="Calibration of the stop head"
            summary={`Decisions in bins of their probability of stopping; on the diagonal, answers given there are right as often as that. Expected calibration error ${percent(error)}, Brier score ${significant(brier, 3)}, ${count} decisions.`}
            series={lines.calibration}
            x={{ label: 'mean probability of stopping', format: '%', range: [0, 1.02] }}
            y={{ label: 'share right if stopped (95 %)', format: '%', range: [0, 1.02] }}
            scale="linear"
            height={300}
            theme={theme}
            source={source}
            fileName="stop-head-calibration"
          />
          <p className="help">
            Each problem has several decisions. The intervals (Wilson) count them as if they were independent,
            and are too narrow where they are not.
          </p>
          <DataTable
            caption="Bins of the stop head’s probability"
            columns={['probability', 'decisions', 'mean probability', 'right if stopped', '95 % interval']}
            rows={bins.map((bin) => [
              `${percent(bin.low, 0)} to ${percent(bin.high, 0)}`,
              bin.count,
              bin.count === 0 ? null : percent(bin.probability),
              bin.count === 0 ? null : percent(bin.happened.share),
              bin.count === 0 ? null : `${percent(bin.happened.low)} to ${percent(bin.happened.high)}`,
            ])}
          />
        </>
      )}
      <DataTable
        caption="By number of thoughts"
        columns={[
          'thoughts',
          'right if all stopped',
          'mean probability of stopping',
          'stop there themselves',
          'of these right',
        ]}
        rows={summary.byThoughts.map((one) => [
          one.thoughts,
          percent(one.accuracy.share),
          percent(one.probability),
          one.own.total,
          one.own.total === 0 ? null : percent(one.own.share),
        ])}
      />
    </>
  );
}

const jsonOf = (report: StoppingReport): string =>
  JSON.stringify({ ...report, summary: summariseStopping(report) }, plainArrays, 1);
