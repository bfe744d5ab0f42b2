import type { IntermediateResults } from '../../../contract/thought-test';
import type { Rng } from '../../base/rng';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Tokens looked at for each thought, as CODI does. */
export const TOP = 5;

export interface ResultsOf {
  /** Steps of the reference rationale, by problem, as text. */
  readonly steps: readonly (readonly string[])[];
  /** Whether each problem is answered rightly. */
  readonly right: ArrayLike<number>;
  /** The most probable tokens of each problem's thoughts, all together. */
  readonly seen: readonly ReadonlySet<number>[];
}

/** The result of a step `<<a+b=c>>`; `null` for a step that has none. */
export const resultOf = (step: string): string | null => /=\s*([^=<>]+?)\s*>>/.exec(step)?.[1] ?? null;

/** The number that a token is, without the signs of a step around it (`=19>>` is 19). */
const numberIn = (text: string): string => text.replace(/[^\d.,-]/g, '');

/** Whether the step's tokens have its result as one of them. */
const isOneToken = (tokenizer: Tokenizer, step: string, result: string): boolean =>
  tokenizer
    .encode(step, { addSpecialTokens: false })
    .some((id) => numberIn(tokenizer.tokenText(id)) === result);

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
  const numbers = seen.map((ids) => new Set([...ids].map((id) => numberIn(tokenizer.tokenText(id)))));
  const counts = [...new Set(steps.map(({ length }) => length))].sort((a, b) => a - b);
  const bySteps = counts.map((count) => {
    const of = steps.flatMap((own, b) => (own.length === count && right[b] === 1 ? [b] : []));
    let [results, found, foundElsewhere] = [0, 0, 0];
    const others = rng.shuffle(of);
    of.forEach((b) => {
      const place = others.indexOf(b);
      const other = others[(place + 1) % others.length] as number;
      for (const step of steps[b] as readonly string[]) {
        const result = resultOf(step);
        if (result === null || !isOneToken(tokenizer, step, result)) leftOut++;
        else {
          results++;
          if (numbers[b]?.has(result)) found++;
          if (other !== b && numbers[other]?.has(result)) foundElsewhere++;
        }
      }
    });
    return { steps: count, problems: of.length, results, found, foundElsewhere };
  });
  return { top: TOP, bySteps, leftOut };
}
