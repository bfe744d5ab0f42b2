import { useMemo, useRef } from 'react';
import { compareThoughts, type ThoughtTestReport, verdictOf } from '../../../../contract/thought-test';
import { thoughtTestHtml } from '../../../../contract/thought-test-html';
import {
  CONDITION_COLUMNS,
  METHOD_NOTE,
  RESULT_COLUMNS,
  resultRow,
  verdictSentences,
} from '../../../../contract/thought-test-words';
import { plainArrays } from '../../../../text/json';
import { LineChart } from '../../../charts/LineChart';
import { boundsOf } from '../../../store/lens-subjects';
import { isBusy } from '../../../store/task';
import {
  initialThoughtTestDraft,
  THOUGHT_TEST_RANGES,
  type ThoughtTestDraft,
  thoughtRanks,
  thoughtTestErrors,
} from '../../../store/thought-test';
import { useActions, useApp, useTheme } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { CsvButton } from '../../../ui/CsvButton';
import { DataTable } from '../../../ui/DataTable';
import { download } from '../../../ui/download';
import { duration, percent } from '../../../ui/format';
import { Empty, Panel } from '../../../ui/Panel';
import { TextEntry } from '../../../ui/TextEntry';
import { FormUndo } from '../../shared/FormUndo';
import { ProblemsFields, useCanAnswer } from '../../shared/ProblemsFields';
import { RangedField, rangeHelp } from '../../shared/RangedField';
import { SubjectField } from '../../shared/SubjectField';
import { TaskStatus } from '../../shared/TaskStatus';
import { countLines, directionLines, singleLines } from './lines';
import { ResultItems } from './ResultItems';
import { rowsOf } from './rows';

/** Whether a student's thoughts do anything: the same problems with the thoughts changed in many ways. */
export function ThoughtTestCard() {
  const task = useApp((state) => state.thoughtTest.task);
  const { cancelThoughtTest, runThoughtTest } = useActions();
  return (
    <Panel
      title="Do the thoughts matter?"
      about="Problems are answered again and again by a student: with its thoughts as they are, with fewer and with more, and with other things fed in their places. A student that reasons in its thoughts loses answers; one that only waits does not."
    >
      <ThoughtsForm />
      <TaskStatus
        task={task}
        label={task.progress === null ? 'Preparing the test' : 'Answering problems'}
        onCancel={cancelThoughtTest}
        cancelLabel="Cancel the test of the thoughts"
        failed="The thoughts were not tested"
      >
        <Button onPress={() => void runThoughtTest()}>Try again</Button>
      </TaskStatus>
      {task.value && <ThoughtsFindings report={task.value} />}
      {!task.value && task.status === 'idle' && <Empty>No test has been run yet.</Empty>}
    </Panel>
  );
}

function ThoughtsForm() {
  const draft = useApp((state) => state.forms.thoughtTest.draft);
  const busy = useApp((state) => isBusy(state.thoughtTest.task));
  const isMissing = useApp((state) => draft.subject === 'student' && state.student === null);
  const hidden = useApp((state) => boundsOf(state, draft.subject).hidden);
  const canAnswer = useCanAnswer(draft);
  const { changeForm, runThoughtTest } = useActions();
  const changeThoughtTest = (change: Partial<ThoughtTestDraft>) => changeForm('thoughtTest', change);
  const form = useRef<HTMLFormElement>(null);
  const errors = thoughtTestErrors(draft, hidden);
  const canRun = errors.size === 0 && canAnswer && !busy;
  return (
    <form
      ref={form}
      className="lens-form"
      aria-label="Test of the thoughts"
      onSubmit={(event) => {
        event.preventDefault();
        if (canRun) void runThoughtTest();
      }}
    >
      <div className="lens-wide-fields">
        <SubjectField
          label="Student"
          value={draft.subject}
          onChange={(subject) => changeThoughtTest({ subject })}
        />
        <ProblemsFields
          value={draft}
          ranges={THOUGHT_TEST_RANGES}
          usual={initialThoughtTestDraft}
          errors={errors}
          hasSeed={false}
          onChange={changeThoughtTest}
          help="Each is answered under every condition. 200 are enough to detect differences of about 10 %."
        />
        <TextEntry
          label="Directions kept"
          tex="r"
          value={draft.ranks}
          onChange={(ranks) => changeThoughtTest({ ranks })}
          placeholder="none"
          help={rangeHelp(
            'Thoughts are projected onto that many of their principal directions, and onto random ones; leave empty for none.',
            { range: thoughtRanks(hidden), unit: 'directions', usual: initialThoughtTestDraft.ranks },
          )}
          error={errors.get('ranks')}
        />
        <RangedField
          whole
          label="Seed"
          range={THOUGHT_TEST_RANGES.seed}
          usual={initialThoughtTestDraft.seed}
          value={draft.seed}
          onChange={(seed) => changeThoughtTest({ seed })}
          help={`For noise, orders, partners and random directions${draft.source === 'rows' ? ', and for the split of the rows' : ''}.`}
          error={errors.get('seed')}
        />
      </div>
      {isMissing && <p className="help">No student has been trained yet. Distil one first.</p>}
      <div className="actions">
        <Button type="submit" look="primary" isDisabled={!canRun}>
          Test the thoughts
        </Button>
        <FormUndo name="thoughtTest" form={form} />
      </div>
    </form>
  );
}

function ThoughtsFindings({ report }: { readonly report: ThoughtTestReport }) {
  const theme = useTheme();
  const comparisons = useMemo(() => compareThoughts(report), [report]);
  const sentences = useMemo(
    () => verdictSentences(report, comparisons, verdictOf(comparisons)),
    [report, comparisons],
  );
  const charts = useMemo(
    () => ({ count: countLines(report), single: singleLines(report), directions: directionLines(report) }),
    [report],
  );
  const source = sourceOf(report);
  const shared = {
    source,
    theme,
    height: 260,
    scale: 'linear',
    y: { label: 'share right (95 %)', format: '%', range: [0, 1.02] },
  } as const;
  return (
    <>
      <div className="notice" role="status">
        {[...sentences, ...report.notes].map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
      <div className="actions">
        <Button onPress={() => download('thoughts.html', thoughtTestHtml(report), 'text/html')}>
          Download report (HTML)
        </Button>
        <Button
          onPress={() =>
            download('thoughts.json', JSON.stringify(report, plainArrays, 1), 'application/json')
          }
        >
          Download data (JSON)
        </Button>
        <CsvButton
          look="plain"
          fileName="thoughts"
          rows={() => [CONDITION_COLUMNS, ...rowsOf(report, comparisons)]}
        >
          Every condition (CSV)
        </CsvButton>
      </div>
      <LineChart
        {...shared}
        title="Number of thoughts at evaluation"
        summary={
          report.lengths
            ? `The student decides itself how many to take, at most ${report.thoughts}. Here every problem is given the same number.`
            : `The student was trained with ${report.thoughts}. Fewer: the answer prompt comes early. More: it goes on thinking.`
        }
        series={charts.count}
        x={{ label: 'thoughts before the answer', column: 'thoughts' }}
        fileName="accuracy-by-thoughts"
      />
      {report.thoughts > 1 && (
        <LineChart
          {...shared}
          title="One thought replaced"
          summary="One thought is replaced by its mean over the problems; those after it are computed from that."
          series={charts.single}
          x={{ label: 'thought replaced', column: 'thought' }}
          fileName="accuracy-by-replaced-thought"
        />
      )}
      {charts.directions.length > 0 && (
        <LineChart
          {...shared}
          title="Directions of the thoughts"
          summary="All thoughts are projected onto r directions around their mean; random directions of equal energy keep as much of the thoughts as the leading ones."
          series={charts.directions}
          x={{ label: 'directions r', column: 'directions' }}
          fileName="accuracy-by-thought-directions"
        />
      )}
      <div className="thought-conditions">
        <DataTable
          caption="Every condition against the thoughts as they are"
          columns={CONDITION_COLUMNS}
          rows={rowsOf(report, comparisons)}
        />
      </div>
      <p className="help">{METHOD_NOTE}</p>
      <ResultsTable report={report} />
    </>
  );
}

function ResultsTable({ report }: { readonly report: ThoughtTestReport }) {
  const { results } = report;
  if (results.bySteps.every((one) => one.results + one.long.results === 0)) return null;
  return (
    <>
      <DataTable
        caption={`Results of the reference steps seen at the thoughts, for problems answered rightly`}
        columns={RESULT_COLUMNS}
        rows={results.bySteps.map((one) =>
          resultRow(one, (part, whole) => (whole > 0 ? percent(part / whole) : null)),
        )}
      />
      <p className="help">
        After CODI’s table 3: a result of one token is looked for among the {results.top} most probable tokens
        of each thought; one of several tokens among the numbers that greedy decoding writes from these tokens
        on. The control looks for the same results in the thoughts of another problem with as many steps.
        {results.leftOut > 0 && ` ${results.leftOut} steps have no result to look for.`}
      </p>
      <ResultItems report={report} />
    </>
  );
}

const sourceOf = ({ label, model, ids, request, pause, milliseconds }: ThoughtTestReport): string =>
  [
    `${label} (${model})`,
    `${ids[0]} to ${ids.at(-1)}`,
    `pause ${JSON.stringify(pause)}`,
    `seed ${request.seed}`,
    duration(milliseconds),
  ].join(' · ');
