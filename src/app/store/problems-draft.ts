import type { ProblemSource } from '../../contract/problem-source';
import { entriesFor, type FormEntries } from './form-link';
import type { WholeRange } from './whole';

/** Which problems are to be answered, as it is being edited. */
export interface ProblemsDraft {
  readonly source: ProblemSource['kind'];
  /** Seed of the split of the rows. */
  readonly seed: number;
  readonly problems: number;
}

/** Where a draft's problems come from. */
export const sourceOf = ({ source, seed }: Pick<ProblemsDraft, 'source' | 'seed'>): ProblemSource =>
  source === 'rows' ? { kind: 'rows', seed } : { kind: 'held-out' };

/** The same in a link: `eval-source=rows&eval-seed=3`. */
export function problemsEntries<Draft extends ProblemsDraft>(
  prefix: string,
  { problems, seed }: Readonly<Record<'problems' | 'seed', WholeRange>>,
): FormEntries<Draft> {
  const of = entriesFor<Draft>();
  return {
    [`${prefix}-source`]: of.oneOf('source', ['held-out', 'rows'] satisfies ProblemSource['kind'][]),
    [`${prefix}-seed`]: of.count('seed', seed),
    [`${prefix}-problems`]: of.count('problems', problems),
  };
}
