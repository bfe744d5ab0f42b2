import type {
  DataDraw,
  DataFilter,
  DataPart,
  DataReport,
  DataRow,
  DuplicateRow,
  Range,
  Spread,
} from '../../../contract/data';
import { InputError } from '../../base/errors';
import { Rng } from '../../base/rng';
import { expectWhole } from '../../base/whole';

export type LoadedRow = DataRow;

type Facts = Omit<DataReport, 'rows' | 'duplicates' | 'duplicateRows' | 'steps' | 'words'>;

/** Duplicates that are listed; all are counted. */
const MAX_LISTED = 200;

/** Token counts of every row as fed, in the order of `DataSet.rows`. */
export type RowTokens = Int32Array;

/** Rows with different questions, and which of them are drawn. */
export class DataSet {
  /** The first row of each question. */
  readonly rows: readonly DataRow[];
  readonly report: DataReport;
  /** Words of question and rationale, row by row. */
  readonly words: Int32Array;
  private readonly orders = new Map<number, readonly number[]>();

  /** @param onDuplicate called with every duplicate, listed or not */
  constructor(all: readonly DataRow[], facts: Facts, onDuplicate?: (row: DuplicateRow) => void) {
    const first = new Map<string, DataRow>();
    const rows: DataRow[] = [];
    const listed: DuplicateRow[] = [];
    let duplicates = 0;
    for (const row of all) {
      const key = normalised(row.question);
      const earlier = first.get(key);
      if (earlier === undefined) {
        first.set(key, row);
        rows.push(row);
        continue;
      }
      duplicates++;
      const { id, line } = row;
      const duplicate = { id, line, of: earlier.id, sameAnswer: earlier.answer === row.answer };
      if (listed.length < MAX_LISTED) listed.push(duplicate);
      onDuplicate?.(duplicate);
    }
    this.rows = rows;
    this.words = Int32Array.from(rows, ({ question, rationale }) => wordsOf(question) + wordsOf(rationale));
    this.report = {
      ...facts,
      rows: rows.length,
      duplicates,
      duplicateRows: listed,
      steps: spreadOf(Int32Array.from(rows, ({ steps }) => steps.length)),
      words: spreadOf(this.words),
    };
  }

  /**
   * Indices of the rows of a part, in order: of the file for `all`, else of the draw. @param tokens needed where the
   * filter counts tokens @returns also how many rows pass the filter
   * @throws InputError for a draw of more rows than pass the filter, or a filter on tokens without their counts
   */
  select(
    part: DataPart,
    filter: DataFilter,
    draw: DataDraw,
    tokens?: RowTokens,
  ): { readonly indices: readonly number[]; readonly passing: number } {
    const passes = this.passing(filter, tokens);
    if (part === 'all') {
      const indices = this.rows.map((_, i) => i).filter(passes);
      return { indices, passing: indices.length };
    }
    const { seed, samples, heldOut } = draw;
    expectWhole('seed', seed, 0, 2 ** 31 - 1);
    expectWhole('samples', samples, 0, this.rows.length);
    expectWhole('held-out rows', heldOut, 0, this.rows.length);
    const order = this.order(seed).filter(passes);
    if (samples + heldOut > order.length)
      throw new InputError(
        `${samples} sampled and ${heldOut} held-out rows are requested; ${order.length} of ${this.rows.length} pass the filter`,
        'Ask for fewer, or widen the filter: the two parts share no row.',
      );
    const indices = part === 'sample' ? order.slice(0, samples) : order.reverse().slice(0, heldOut);
    return { indices, passing: order.length };
  }

  /** All rows in the order that the seed gives them, whatever is asked of it afterwards. */
  order(seed: number): readonly number[] {
    const known = this.orders.get(seed);
    if (known) return known;
    const order = new Rng(seed).fork('rows').shuffle(this.rows.map((_, i) => i));
    // One is enough: a person stays with a seed.
    this.orders.clear();
    this.orders.set(seed, order);
    return order;
  }

  private passing(filter: DataFilter, tokens: RowTokens | undefined): (index: number) => boolean {
    for (const what of ['steps', 'words', 'tokens'] as const) checkRange(what, filter[what]);
    if (!tokens && filter.tokens.some((end) => end !== null))
      throw new InputError(
        'the filter is on length in tokens, which have not been counted',
        'Count tokens with the model’s tokenizer first, or filter by words.',
      );
    return (i) =>
      within((this.rows[i] as DataRow).steps.length, filter.steps) &&
      within(this.words[i] as number, filter.words) &&
      (!tokens || within(tokens[i] as number, filter.tokens));
  }
}

const within = (value: number, [low, high]: Range): boolean =>
  (low === null || value >= low) && (high === null || value <= high);

/** Full and half width forms: the same characters for East Asian type. */
const WIDTH_FORMS = /[\uff01-\uffee]+/g;

/**
 * A question as compared with others: letter case, spaces, the width of characters and whether an accent is a character of its own make
 * no difference. NFKC would make `2²` the same as `22`.
 */
export const normalised = (question: string): string =>
  question
    .replace(WIDTH_FORMS, (wide) => wide.normalize('NFKC'))
    .normalize('NFC')
    .toLowerCase()
    .trim()
    .replace(/\s+/g, ' ');

const wordsOf = (text: string): number => text.match(/\S+/g)?.length ?? 0;

export function spreadOf(values: Int32Array): Spread {
  if (values.length === 0) return { least: 0, median: 0, most: 0 };
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  const high = sorted[middle] as number;
  const median = sorted.length % 2 === 1 ? high : ((sorted[middle - 1] as number) + high) / 2;
  return { least: sorted[0] as number, median, most: sorted.at(-1) as number };
}

function checkRange(what: string, [low, high]: Range): void {
  for (const end of [low, high])
    if (end !== null && (!Number.isInteger(end) || end < 0))
      throw new InputError(`${what}: ${end}; a whole number is expected`, 'Choose a whole number, or none.');
  if (low !== null && high !== null && low > high)
    throw new InputError(`${what}: from ${low} to ${high}`, 'The first number must not be above the second.');
}
