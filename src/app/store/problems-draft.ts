import type { ProblemSource } from '../../contract/problem-source';

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
