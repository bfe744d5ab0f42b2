import { endsText } from '../../contract/settings';

/** What is wrong with a typed number that must be whole and from `low` to `high`; `null` if nothing is. */
export const whole = (value: number, low: number, high: number): string | null =>
  Number.isInteger(value) && value >= low && value <= high
    ? null
    : `Choose a whole number from ${low} to ${high}.`;

/** Ends of a range of whole numbers, both included. */
export type WholeRange = readonly [low: number, high: number];

/** Seeds that can be typed. */
export const SEEDS: WholeRange = [0, 2 ** 31 - 1];

type Ranges<Draft> = {
  readonly [Field in keyof Draft as Draft[Field] extends number ? Field : never]?: WholeRange;
};

/** What is wrong with the fields of a draft that must be whole numbers in these ranges. */
export function wholeErrors<Draft extends object>(
  draft: Draft,
  ranges: Ranges<Draft>,
): Map<keyof Draft, string> {
  const errors = new Map<keyof Draft, string>();
  for (const [field, [low, high]] of Object.entries(ranges) as [keyof Draft, WholeRange][]) {
    const error = whole(draft[field] as number, low, high);
    if (error !== null) errors.set(field, error);
  }
  return errors;
}

/** What a field states of a whole number in this range. @param usual its default */
export const limitsOf = ([low, high]: WholeRange, usual: number | string) => ({
  range: endsText({ low, high, above: false }),
  usual: String(usual),
});

/** A number or a range as typed, both ends included; NaN if it is neither. */
interface Span {
  readonly part: string;
  readonly first: number;
  readonly last: number;
}

/** The parts of a list typed like `1-3, 6`. */
export const spansIn = (text: string): readonly Span[] =>
  text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map((part) => {
      const [, from, to = from] = /^(\d{1,4})(?:[-–](\d{1,4}))?$/.exec(part) ?? [];
      return { part, first: from === undefined ? Number.NaN : Number(from), last: Number(to) };
    });

/** Whole numbers from `low` to `high`, typed as `0-3, 6`: ascending, each once; or what is wrong with them. */
export function numbersIn(text: string, low: number, high: number): readonly number[] | string {
  const spans = spansIn(text);
  const bad = spans.find(({ first, last }) => !(first >= low && last <= high && first <= last));
  if (bad)
    return `“${bad.part.slice(0, 20)}” is not a whole number from ${low} to ${high}, nor a range of them; write for example 0-3, 6.`;
  const all = spans.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  return [...new Set(all)].sort((a, b) => a - b);
}
