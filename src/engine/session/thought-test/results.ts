import type { IntermediateResults, ResultsFound } from '../../../contract/thought-test';
import type { Rng } from '../../base/rng';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Number of tokens read at each thought, as in CODI. */
export const TOP = 5;

/** What is seen at a thought: its most probable tokens, and numbers of several tokens that these begin. */
export interface SeenThought {
  readonly ids: readonly number[];
  readonly numbers: readonly string[];
}

export interface ResultsOf {
  /** Steps of the reference rationale, by problem, as text. */
  readonly steps: readonly (readonly string[])[];
  /** Whether each problem is answered correctly. */
  readonly right: ArrayLike<number>;
  /** By problem: what is seen at each of its thoughts. */
  readonly seen: readonly (readonly SeenThought[])[];
}

/** The result of a step `<<a+b=c>>`; `null` for a step that has none. */
export const resultOf = (step: string): string | null => /=\s*([^=<>]+?)\s*>>/.exec(step)?.[1] ?? null;

/** The number in a token, without a step's punctuation around it (`=19>>` is 19). */
export const numberIn = (text: string): string => text.replace(/[^\d.,-]/g, '');

/** Whether the result is a single token of the tokenized step. */
export const isOneToken = (tokenizer: Tokenizer, step: string, result: string): boolean =>
  tokenizer
    .encode(step, { addSpecialTokens: false })
    .some((id) => numberIn(tokenizer.tokenText(id)) === result);

/**
 * How many results of the reference rationale are among the thoughts' most probable tokens, for problems
 * answered correctly (CODI, table 3), and, as a control, how many if each problem is given the thoughts of
 * another with as many steps, if there is one. A result of several tokens is looked for among the numbers
 * that decoding from those tokens writes.
 */
export function intermediateResults(
  tokenizer: Tokenizer,
  { steps, right, seen }: ResultsOf,
  rng: Rng,
): IntermediateResults {
  let leftOut = 0;
  const places = seen.map((looks) => lookedAt(tokenizer, looks));
  const counts = [...new Set(steps.map(({ length }) => length))].sort((a, b) => a - b);
  const items: IntermediateResults['items'][number][] = [];
  const bySteps = counts.map((count) => {
    const of = steps.flatMap((own, b) => (own.length === count && right[b] === 1 ? [b] : []));
    const [short, long] = [none(), none()];
    const others = rng.shuffle(of);
    const otherOf = new Map(others.map((b, i) => [b, others[(i + 1) % others.length] as number]));
    steps.forEach((own, b) => {
      if (own.length !== count) return;
      const other = otherOf.get(b);
      const results = own.flatMap((step) => {
        const result = resultOf(step);
        if (result === null) {
          if (other !== undefined) leftOut++;
          return [];
        }
        const isLong = !isOneToken(tokenizer, step, result);
        const found = places[b]?.(result, isLong) ?? [];
        const isElsewhere =
          other !== undefined && other !== b && (places[other]?.(result, isLong) ?? []).length > 0;
        if (other !== undefined) counted(isLong ? long : short, found.length > 0, isElsewhere);
        return [{ result, isLong, found, isElsewhere }];
      });
      const thoughts = (seen[b] ?? []).map(({ ids, numbers }) => ({
        tokens: ids.map((id) => tokenizer.tokenText(id)),
        numbers,
      }));
      items.push({ problem: b, thoughts, results });
    });
    return { steps: count, problems: of.length, ...short, long };
  });
  items.sort((a, b) => a.problem - b.problem);
  return { top: TOP, bySteps, leftOut, items };
}

type Counts = { -readonly [K in keyof ResultsFound]: ResultsFound[K] };
const none = (): Counts => ({ results: 0, found: 0, foundElsewhere: 0 });

function counted(counts: Counts, isFound: boolean, isElsewhere: boolean): void {
  counts.results++;
  if (isFound) counts.found++;
  if (isElsewhere) counts.foundElsewhere++;
}

/** At which thoughts a result is seen, from 1; the reading after the last counts as one more. */
function lookedAt(
  tokenizer: Tokenizer,
  looks: readonly SeenThought[],
): (result: string, isLong: boolean) => number[] {
  const sets = looks.map(({ ids, numbers }) => ({
    tokens: new Set(ids.map((id) => numberIn(tokenizer.tokenText(id)))),
    numbers: new Set(numbers.map((number) => number.replaceAll(',', ''))),
  }));
  return (result, isLong) =>
    sets.flatMap(({ tokens, numbers }, t) =>
      (isLong ? numbers.has(result.replaceAll(',', '')) : tokens.has(result)) ? [t + 1] : [],
    );
}
