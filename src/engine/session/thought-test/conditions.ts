import { CAUSAL_DIRECTIONS } from '../../../contract/lens';
import { REPLACEMENTS, type ThoughtCondition } from '../../../contract/thought-test';
import {
  hasFixedThoughts,
  isThought,
  type Reasoning,
  stopsByItself,
  thoughtsIn,
} from '../../decode/reasoning';
import { countsOf } from '../evaluation/ways';

/** The replacements that change anything for fixed tokens: the others feed the same tokens again. */
const OF_FIXED = ['zero', 'noise', 'pause'] as const;

/**
 * All conditions of a report that a student's thoughts allow, in the order of its table.
 * @param ranks numbers of directions, below the thoughts' size
 */
export function conditionsFor(reasoning: Reasoning, ranks: readonly number[]): ThoughtCondition[] {
  const K = thoughtsIn(reasoning);
  const counts = countsOf(reasoning);
  const isFixed = hasFixedThoughts(reasoning);
  // A student that stops by itself has no fixed number.
  const others = stopsByItself(reasoning)
    ? counts.filter((count) => count <= K)
    : counts.filter((count) => count !== K);
  const replacements = REPLACEMENTS.filter((by) => {
    // A single thought cannot be reordered, nor can copies of one token.
    if (by === 'permuted') return K > 1 && !(isFixed && areCopies(reasoning));
    return !isFixed || (OF_FIXED as readonly string[]).includes(by);
  });
  return [
    ...others.map((thoughts) => ({ kind: 'count', thoughts }) as const),
    ...replacements.map((by) => ({ kind: 'replaced', by }) as const),
    ...(isFixed ? [] : Array.from({ length: K }, (_, k) => ({ kind: 'one', thought: k + 1 }) as const)),
    ...(isFixed ? [] : ranks).flatMap((rank) =>
      CAUSAL_DIRECTIONS.map((of) => ({ kind: 'directions', of, rank }) as const),
    ),
  ];
}

/** Whether all fixed thoughts are the same token. */
function areCopies({ stages }: Reasoning): boolean {
  const all = stages.filter(isThought).flatMap((stage) => {
    if (stage.kind === 'tokens') return stage.ids.map((id) => `token ${id}`);
    if (stage.kind === 'embeddings') return stage.rows.map((row) => `${stage.parameter} ${row}`);
    return [`${stage.kind}`];
  });
  return new Set(all).size === 1;
}
