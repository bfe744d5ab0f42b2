import { useMemo } from 'react';
import { modeWords, summarise } from '../../../../contract/evaluation';
import { isComplete, type KeptEvaluation } from '../../../store/evaluation';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { duration, percent, significant } from '../../../ui/format';
import { HeadRow } from '../../../ui/HeadRow';
import { Scroller } from '../../../ui/Scroller';

export const nameOf = ({ evaluation }: KeptEvaluation): string =>
  `${evaluation.label} (${evaluation.model}), ${modeWords(evaluation)}`;

const HEAD = ['Evaluation', 'Right (95 %)', 'Latency (median; 95 %)', 'Tokens (median)', 'Actions'];

/** What was evaluated, with the figures. */
export function EvaluationList() {
  const { list, shown } = useApp((state) => state.evaluation);
  return (
    <Scroller className="table-scroll" label="evaluations">
      <table className="evaluations">
        <caption>Evaluations, with Wilson’s interval over problems</caption>
        <HeadRow names={HEAD} />
        <tbody>
          {list.map((one) => (
            <Row key={one.id} one={one} isShown={one.id === shown} />
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

/** Kept rows that cannot be read, with the reason. */
export function DamagedEvaluations() {
  const damaged = useApp((state) => state.evaluation.damaged);
  const { deleteDamagedEvaluation } = useActions();
  if (damaged.length === 0) return null;
  return (
    <ul className="saved" aria-label="Kept evaluations that cannot be read">
      {damaged.map(({ id, reason }, i) => (
        <li key={id}>
          A kept evaluation cannot be read ({reason}). The others are not affected.{' '}
          <Button
            aria-label={`Delete the unreadable evaluation ${i + 1}`}
            onPress={() => void deleteDamagedEvaluation(id)}
          >
            Delete it
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Row({ one, isShown }: { readonly one: KeptEvaluation; readonly isShown: boolean }) {
  const { task, other } = useApp((state) => state.evaluation);
  const { showEvaluation, continueEvaluation, removeEvaluation } = useActions();
  const { id, evaluation } = one;
  const { items, total, rule, data, notes } = evaluation;
  // The answers of another come five times a second.
  const { accuracy, latency, tokens, thoughts } = useMemo(() => summarise(items), [items]);
  const busy = isBusy(task);
  const name = nameOf(one);
  return (
    <tr>
      <th scope="row">
        {name}
        <span className="help">
          {items.length < total ? `${items.length} of ${total} problems` : `${total} problems`}, rule: {rule}
        </span>
        <span className="help clamped" title={data.name}>
          {data.name}
        </span>
        {notes.map((note) => (
          <span key={note} className="help">
            {note}
          </span>
        ))}
      </th>
      <td>
        {items.length === 0 ? '–' : percent(accuracy.share)}
        {items.length > 0 && (
          <span className="help">
            {percent(accuracy.low)} to {percent(accuracy.high)}; {accuracy.correct} of {accuracy.total}
          </span>
        )}
      </td>
      <td>
        {latency.count === 0 ? 'not measured' : `${duration(latency.median)}, ${duration(latency.p95)}`}
      </td>
      <td>
        {items.length === 0 ? '–' : significant(tokens, 3)}
        {evaluation.stopsByItself && items.length > 0 && (
          <span className="help">{significant(thoughts, 3)} thoughts</span>
        )}
      </td>
      <td>
        <div className="actions">
          <Button
            aria-pressed={isShown}
            isDisabled={isShown}
            aria-label={`${isShown ? 'Shown' : 'Show'}: ${name}`}
            onPress={() => showEvaluation(id, other)}
          >
            {isShown ? 'Shown' : 'Show'}
          </Button>
          {!isComplete(evaluation) && !busy && (
            <Button aria-label={`Continue ${name}`} onPress={() => void continueEvaluation(id)}>
              Continue
            </Button>
          )}
          <Button
            look="quiet"
            isDisabled={busy}
            aria-label={`Remove ${name}`}
            onPress={() => removeEvaluation(id)}
          >
            <span aria-hidden="true">✕</span>
          </Button>
        </div>
      </td>
    </tr>
  );
}
