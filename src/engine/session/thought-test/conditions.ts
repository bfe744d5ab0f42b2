import { REPLACEMENTS, THOUGHT_DIRECTIONS, type ThoughtCondition } from '../../../contract/thought-test';

/**
 * All conditions of a report, in the order of its table, for K thoughts.
 * @param ranks numbers of directions, below the thoughts' size
 */
export function conditionsFor(K: number, ranks: readonly number[]): ThoughtCondition[] {
  const up = Array.from({ length: 2 * K + 1 }, (_, thoughts) => thoughts).filter((k) => k !== K);
  // One thought has no other order.
  const replacements = REPLACEMENTS.filter((by) => K > 1 || by !== 'permuted');
  return [
    ...up.map((thoughts) => ({ kind: 'count', thoughts }) as const),
    ...replacements.map((by) => ({ kind: 'replaced', by }) as const),
    ...Array.from({ length: K }, (_, k) => ({ kind: 'one', thought: k + 1 }) as const),
    ...ranks.flatMap((rank) => THOUGHT_DIRECTIONS.map((of) => ({ kind: 'directions', of, rank }) as const)),
  ];
}
