import { CAUSAL_DIRECTIONS } from '../../../contract/lens';
import { REPLACEMENTS, type ThoughtCondition } from '../../../contract/thought-test';

/**
 * All conditions of a report, in the order of its table, for K thoughts.
 * @param ranks numbers of directions, below the thoughts' size
 * @param canCount whether the student can make another number of thoughts
 */
export function conditionsFor(K: number, ranks: readonly number[], canCount: boolean): ThoughtCondition[] {
  const up = Array.from({ length: 2 * K + 1 }, (_, thoughts) => thoughts).filter((k) => k !== K);
  // One thought has no other order.
  const replacements = REPLACEMENTS.filter((by) => K > 1 || by !== 'permuted');
  return [
    ...(canCount ? up : []).map((thoughts) => ({ kind: 'count', thoughts }) as const),
    ...replacements.map((by) => ({ kind: 'replaced', by }) as const),
    ...Array.from({ length: K }, (_, k) => ({ kind: 'one', thought: k + 1 }) as const),
    ...ranks.flatMap((rank) => CAUSAL_DIRECTIONS.map((of) => ({ kind: 'directions', of, rank }) as const)),
  ];
}
