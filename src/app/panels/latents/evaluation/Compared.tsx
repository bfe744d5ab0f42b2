import { useMemo } from 'react';
import { compareEvaluations, type EvaluationComparison } from '../../../../contract/evaluation';
import { useActions, useApp } from '../../../store/use-app';
import { Choice } from '../../../ui/Choice';
import { pValue, signedPercent } from '../../../ui/format';
import { nameOf } from './EvaluationList';

/** The comparison of the two that are shown; `null` without two, or without a problem that both answered. */
export function useCompared() {
  const { list, shown, other } = useApp((state) => state.evaluation);
  const first = list.find(({ id }) => id === shown)?.evaluation.items;
  const second = list.find(({ id }) => id === other)?.evaluation.items;
  return useMemo(() => (first && second ? compareEvaluations(first, second) : null), [first, second]);
}

/** Two evaluations on the same problems: what one gets right and the other does not. */
export function Compared() {
  const { list, shown, other } = useApp((state) => state.evaluation);
  const { showEvaluation } = useActions();
  const found = useCompared();
  const one = list.find(({ id }) => id === shown);
  const others = list.filter(({ id }) => id !== shown);
  if (!one || others.length === 0) return null;
  return (
    <>
      <Choice
        label="Compare with"
        value={String(other ?? '')}
        options={[
          { id: '', label: 'nothing' },
          ...others.map((candidate) => ({ id: String(candidate.id), label: nameOf(candidate) })),
        ]}
        onChange={(id) => showEvaluation(shown, id === '' ? null : Number(id))}
      />
      {other !== null && found === null && (
        <p className="help">No problem was answered by both, with the same question and reference answer.</p>
      )}
      {found && (
        <p className="notice" role="status">
          {sentenceOf(found)}
        </p>
      )}
    </>
  );
}

const sentenceOf = ({ difference, problems, interval, p, ...counts }: EvaluationComparison): string =>
  [
    `${signedPercent(difference)} on ${problems} common problems`,
    ` (95 % interval ${signedPercent(interval.low)} to ${signedPercent(interval.high)}, Tango; McNemar’s exact p ${pValue(p)}).`,
    ` Only the first is right on ${counts.gained}, only the second on ${counts.lost}, both on ${counts.bothRight}, neither on ${counts.bothWrong}.`,
  ].join('');
