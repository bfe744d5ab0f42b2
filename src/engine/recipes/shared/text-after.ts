import type { HostTensor } from '../../base/dtype';
import type { Computed, Segment, SegmentOptions } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { joined } from './added-tokens';
import { floats, integers } from './batches';

/** Text of a row's own length that follows what is fed before it, all of which is predicted. */

export const TEXT_INPUTS = {
  ids: 'text.ids',
  targets: 'text.targets',
  weights: 'text.weights',
  positions: 'text.positions',
} as const;

export interface TextOptions extends Pick<SegmentOptions, 'after' | 'adapters'> {
  /** R: tokens that are predicted. */
  readonly tokens: number;
  /** Embeddings [B, H] before the text, which predict its first token. */
  readonly begin?: Computed;
  /** Whether rows have positions of their own. */
  readonly ownPositions?: boolean;
}

/** The segment whose R positions predict the text's tokens: it begins with `begin`, or with the text's first input. */
export function textSegment(
  tape: Tape,
  { tokens: R, begin, ownPositions, ...options }: TextOptions,
): Segment {
  const fed = (count: number): Computed => tape.tokens(TEXT_INPUTS.ids, count);
  const x = !begin ? fed(R) : R === 1 ? begin : joined(tape, begin, fed(R - 1));
  return tape.segment(x, { ...options, ...(ownPositions && { positions: TEXT_INPUTS.positions }) });
}

/** The text, and the term `answer`: the mean cross entropy of its tokens. */
export function textAfter(tape: Tape, options: TextOptions, weight: number): Segment {
  const text = textSegment(tape, options);
  const { targets, weights } = TEXT_INPUTS;
  tape.crossEntropy('answer', weight, text.finals(), { targets, weights });
  return text;
}

/** The same, of a text whose first token the segment before it predicts: its last state, and the text's R − 1 positions. */
export function textNext(
  tape: Tape,
  { after, adapters, tokens: R }: Omit<TextOptions, 'begin' | 'ownPositions'> & { readonly after: Segment },
  weight: number,
): void {
  const text = tape.segment(tape.tokens(TEXT_INPUTS.ids, R - 1), { after, ...(adapters && { adapters }) });
  const { targets, weights } = TEXT_INPUTS;
  tape.crossEntropy('answer', weight, tape.rows(after.last, text.finals()), { targets, weights });
}

/**
 * The inputs of `textAfter` and `textNext`.
 * @param rows what each row is to write, and what is fed before its first token, if anything is
 * @param width R  @param from the position of each row's first column  @param each a token's weight; by default that of a mean
 */
export function textFeeds<R extends { readonly text: readonly number[]; readonly before?: number }>(
  rows: readonly R[],
  width: number,
  padId: number,
  from?: (row: R) => number,
  each: (row: R) => number = meanOver(rows),
): Record<string, HostTensor> {
  const own = rows[0]?.before !== undefined;
  const columns = own ? width : width - 1;
  const fed = ({ before, text }: R, j: number) => (own ? (j === 0 ? before : text[j - 1]) : text[j]);
  return {
    // What is fed after a row's end is padding, as is its last token, which nothing reads.
    [TEXT_INPUTS.ids]: integers(rows, columns, (row, j) =>
      j < row.text.length - (own ? 0 : 1) ? (fed(row, j) as number) : padId,
    ),
    [TEXT_INPUTS.targets]: integers(rows, width, ({ text }, j) => text[j] ?? padId),
    [TEXT_INPUTS.weights]: floats(rows, width, (row, j) => (j < row.text.length ? each(row) : 0)),
    ...(from && { [TEXT_INPUTS.positions]: integers(rows, width, (row, j) => from(row) + j) }),
  };
}

function meanOver(rows: readonly { readonly text: readonly number[] }[]): () => number {
  const total = rows.reduce((n, { text }) => n + text.length, 0);
  return () => 1 / total;
}
