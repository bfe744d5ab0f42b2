import { useMemo } from 'react';
import { ANSWER_RULES, type RuleId, whyMarked } from '../../../contract/answer-rules';
import type { DataReport } from '../../../contract/data';
import { LIMIT_ENDS } from '../../../contract/generate';
import { dataErrors, drawnWords } from '../../store/data';
import {
  type AnsweredRow,
  answeredPart,
  answersError,
  initialAnswers,
  judgeAnswers,
} from '../../store/data-answers';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { limitsOf } from '../../store/whole';
import { Button } from '../../ui/Button';
import { CsvButton } from '../../ui/CsvButton';
import { NumberField } from '../../ui/Field';
import { percent } from '../../ui/format';
import { HeadRow } from '../../ui/HeadRow';
import { Figures, Panel } from '../../ui/Panel';
import { Scroller } from '../../ui/Scroller';
import { ENDINGS } from '../shared/endings';
import { TaskStatus } from '../shared/TaskStatus';
import { Marked } from './Marked';

/** The open model's answers to the drawn rows, with what was marked in each and why. */
export function AnswersCard({ report }: { readonly report: DataReport }) {
  const answers = useApp((state) => state.data.answers);
  const draft = useApp((state) => state.data.draft);
  const part = answeredPart(draft);
  const field = part === 'sample' ? 'samples' : 'heldOut';
  const hasRows = draft[field] > 0 && !dataErrors(draft).has(field);
  const chosen = useApp((state) => state.data.rule);
  const reader = useApp((state) => state.lens.opened.value?.name ?? 'the bundled teacher');
  const { changeAnswers, answerRows, cancelAnswers } = useActions();
  const { task, rows, refused, model, limit } = answers;
  const rule = chosen ?? report.rule;
  const busy = isBusy(task);
  const error = answersError(answers) ?? undefined;
  return (
    <Panel
      title="Answers"
      about="The model continues each question as it is, without examples, by greedy decoding. Its answer is marked by the rule above, as in an evaluation: rules that read a whole text are given what follows “The answer is:”, where the model writes it."
    >
      <div className="data-pair" data-own-undo>
        <NumberField
          whole
          label="Length limit"
          unit="tokens"
          limits={limitsOf(LIMIT_ENDS, initialAnswers.limit)}
          value={limit}
          onChange={(next) => changeAnswers({ limit: next })}
          error={error}
          isDisabled={busy}
        />
      </div>
      <div className="actions">
        <Button isDisabled={busy || error !== undefined || !hasRows} onPress={() => void answerRows()}>
          Answer the {drawnWords(draft, part)} with {reader}
        </Button>
      </div>
      <TaskStatus
        task={task}
        label="Answering"
        onCancel={cancelAnswers}
        cancelLabel="Cancel answering"
        failed="The rows were not all answered"
      />
      {refused.length > 0 && (
        <details>
          <summary>
            {refused.length} {refused.length === 1 ? 'row' : 'rows'} could not be answered, and{' '}
            {refused.length === 1 ? 'is' : 'are'} not counted
          </summary>
          <ul>
            {refused.map(({ row, reason }) => (
              <li key={row.id}>
                {row.id}: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
      {rows.length > 0 && <AnswersTable rows={rows} rule={rule} model={model ?? ''} />}
    </Panel>
  );
}

function AnswersTable({
  rows: answers,
  rule,
  model,
}: {
  readonly rows: readonly AnsweredRow[];
  readonly rule: RuleId;
  readonly model: string;
}) {
  const { rows, share: found } = useMemo(() => judgeAnswers(answers, rule), [answers, rule]);
  const { correct, total, share, low, high } = found;
  return (
    <>
      <Figures
        items={[
          {
            label: `Right, ${model}`,
            value: percent(share),
            note: `${correct} of ${total}; 95 % interval ${percent(low)} to ${percent(high)} (Wilson, over rows)`,
          },
        ]}
      />
      <div className="actions">
        <CsvButton
          title="The answers"
          fileName="answers"
          rows={() => [
            ['row', 'right', 'answer', 'read', 'expected', 'ending', 'model', 'rule'],
            ...rows.map(({ row, text, ending, mark, right }) => [
              ...[row.id, right ? 1 : 0, text, mark?.value ?? null, row.answer, ending, model, rule],
            ]),
          ]}
        />
      </div>
      <Scroller className="data-scroll data-list" label="answers">
        <table className="data-table">
          <caption>Answers, marked by: {ANSWER_RULES[rule].label}</caption>
          <HeadRow names={['Row', 'Right', 'What the model wrote', 'Expected']} />
          <tbody>
            {rows.map(({ row, text, ending, mark, right }) => (
              <tr key={row.id}>
                <th scope="row">{row.id}</th>
                <td>{right ? '✓ right' : '✕ wrong'}</td>
                <td>
                  <Marked text={text} mark={mark} />
                  <span className="help">
                    {whyMarked(rule, mark, text)} {ENDINGS[ending]}
                  </span>
                </td>
                <td className="data-text">{row.answer}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </>
  );
}
