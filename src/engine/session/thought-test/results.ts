import type { IntermediateResults } from '../../../contract/thought-test';
import type { Rng } from '../../base/rng';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Tokens looked at for each thought, as CODI does. */
export const TOP = 5;

export interface ResultsOf {
  /** Result of every step, by problem, as text. */
  readonly steps: readonly (readonly string[])[];
  /** Whether each problem is answered rightly. */
  readonly right: ArrayLike<number>;
  /** The most probable tokens of each problem's thoughts, all together. */
  readonly seen: readonly ReadonlySet<number>[];
}

/** The result of a step `<<a+b=c>>`; `null` for a step that has none. */
export const resultOf = (step: string): string | null => /=\s*([^=<>]+?)\s*>>/.exec(step)?.[1] ?? null;

/** The token that a result is, `null` where it is more than one. With and without a space before it, as texts have both. */
function tokensOf(tokenizer: Tokenizer, result: string): readonly number[] {
  const single = [result, ` ${result}`]
    .map((text) => tokenizer.encode(text, { addSpecialTokens: false }))
    .flatMap((ids) => (ids.length === 1 ? ids : []));
  return [...new Set(single)];
}

/**
 * How many results of the reference rationale are among the thoughts' most probable tokens, for problems answered rightly
 * (CODI, table 3), and how many when each problem is given the thoughts of another with as many steps, where there is one.
 */
export function intermediateResults(
  tokenizer: Tokenizer,
  { steps, right, seen }: ResultsOf,
  rng: Rng,
): IntermediateResults {
  let leftOut = 0;
  const counts = [...new Set(steps.map(({ length }) => length))].sort((a, b) => a - b);
  const bySteps = counts.map((count) => {
    const of = steps.flatMap((own, b) => (own.length === count && right[b] === 1 ? [b] : []));
    let [results, found, foundElsewhere] = [0, 0, 0];
    const others = rng.shuffle(of);
    of.forEach((b) => {
      const place = others.indexOf(b);
      const other = others[(place + 1) % others.length] as number;
      for (const result of steps[b] as readonly string[]) {
        const ids = tokensOf(tokenizer, result);
        if (ids.length === 0) leftOut++;
        else {
          results++;
          if (ids.some((id) => seen[b]?.has(id))) found++;
          if (other !== b && ids.some((id) => seen[other]?.has(id))) foundElsewhere++;
        }
      }
    });
    return { steps: count, problems: of.length, results, found, foundElsewhere };
  });
  return { top: TOP, bySteps, leftOut };
}
