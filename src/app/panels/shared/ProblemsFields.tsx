import type { SubjectId } from '../../store/lens-draft';
import { isAvailable } from '../../store/lens-subjects';
import type { ProblemsDraft } from '../../store/problems-draft';
import { useApp } from '../../store/use-app';
import type { WholeRange } from '../../store/whole';
import { Choice } from '../../ui/Choice';
import { RangedField } from './RangedField';

/** Whether there are the rows that a draft asks for, and the subject that is to answer them. */
export const useCanAnswer = ({
  subject,
  source,
}: Pick<ProblemsDraft, 'source'> & { readonly subject: SubjectId }): boolean =>
  useApp((state) => (source !== 'rows' || state.data.report.value !== null) && isAvailable(state, subject));

/** Which problems are answered, and how many. */
export function ProblemsFields({
  value: { source, seed, problems },
  ranges,
  usual,
  errors,
  onChange,
  help,
  hasSeed = true,
}: {
  readonly value: ProblemsDraft;
  readonly ranges: Readonly<Record<'problems' | 'seed', WholeRange>>;
  /** The defaults. */
  readonly usual: ProblemsDraft;
  readonly errors: ReadonlyMap<string, string>;
  readonly onChange: (change: Partial<ProblemsDraft>) => void;
  readonly help?: string;
  /** Whether the seed has a field here; default true. */
  readonly hasSeed?: boolean;
}) {
  const rows = useApp((state) => state.data.report.value);
  return (
    <>
      <Choice
        label="Problems"
        value={source}
        options={[
          { id: 'held-out', label: 'Held out of its training' },
          {
            id: 'rows',
            label: rows === null ? 'Rows of a data set' : `Rows of ${rows.name}`,
            isDisabled: rows === null,
            about: rows === null ? 'Open one in Data first.' : 'The last rows in the order of the seed.',
          },
        ]}
        onChange={(next) => onChange({ source: next })}
      />
      {hasSeed && source === 'rows' && (
        <RangedField
          whole
          label="Seed of the split"
          range={ranges.seed}
          usual={usual.seed}
          value={seed}
          onChange={(next) => onChange({ seed: next })}
          help="A run with this split seed holds out the same rows."
          error={errors.get('seed')}
        />
      )}
      <RangedField
        whole
        label="Number of problems"
        unit="problems"
        range={ranges.problems}
        usual={usual.problems}
        value={problems}
        onChange={(next) => onChange({ problems: next })}
        {...(help !== undefined && { help })}
        error={errors.get('problems')}
      />
    </>
  );
}
