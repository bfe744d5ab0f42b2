import type { HostTensor } from '../../base/dtype';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { Computed, Segment, SegmentOptions } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { floats, integers } from './batches';

/** Text of a row's own length that follows what is fed before it, all of which is predicted. */

const INPUTS = {
  ids: 'text.ids',
  targets: 'text.targets',
  weights: 'text.weights',
  positions: 'text.positions',
} as const;

/** Input embeddings of each row, one part after another: [B·(p + q), H]. */
export function joined(tape: Tape, name: string, ...parts: readonly Computed[]): Computed {
  const B = tape.batch;
  const H = parts[0]?.shape[1] as number;
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return tape.compute(name, [rows, H], parts, (_context, inputs) => {
    const split = inputs.map((x: Tensor) => o.reshape(x, [B, (x.shape[0] as number) / B, H]));
    return o.reshape(o.concat(split, 1), [rows, H]);
  });
}

export interface TextOptions extends Pick<SegmentOptions, 'after' | 'adapters'> {
  /** R: tokens that are predicted. */
  readonly tokens: number;
  /** Embeddings [B, H] before the text, which predict its first token. */
  readonly begin?: Computed;
  /** Whether rows have positions of their own. */
  readonly ownPositions?: boolean;
  readonly weight: number;
}

/** The term `answer`: the mean cross entropy of the text's tokens. The segment begins with `begin`, or with the text's first input. */
export function textAfter(
  tape: Tape,
  { tokens: R, begin, ownPositions, weight, ...options }: TextOptions,
): Segment {
  const fed = tape.tokens(INPUTS.ids, begin ? R - 1 : R);
  const x = begin ? joined(tape, 'marker and text', begin, fed) : fed;
  const text = tape.segment(x, { ...options, ...(ownPositions && { positions: INPUTS.positions }) });
  tape.crossEntropy('answer', weight, text.finals(), { targets: INPUTS.targets, weights: INPUTS.weights });
  return text;
}

/**
 * The inputs of `textAfter`.
 * @param rows what each row is to write, and what is fed before its first token, if anything is
 * @param width R  @param from the position of each row's first column  @param each a token's weight; by default that of a mean
 */
export function textFeeds<R extends { readonly text: readonly number[]; readonly before?: number }>(
  rows: readonly R[],
  width: number,
  padId: number,
  from?: (row: R) => number,
  each = 1 / rows.reduce((n, { text }) => n + text.length, 0),
): Record<string, HostTensor> {
  const own = rows[0]?.before !== undefined;
  const columns = own ? width : width - 1;
  const fed = ({ before, text }: R, j: number) => (own ? (j === 0 ? before : text[j - 1]) : text[j]);
  return {
    // What is fed after a row's end is padding, as is its last token, which nothing reads.
    [INPUTS.ids]: integers(rows, columns, (row, j) =>
      j < row.text.length - (own ? 0 : 1) ? (fed(row, j) as number) : padId,
    ),
    [INPUTS.targets]: integers(rows, width, ({ text }, j) => text[j] ?? padId),
    [INPUTS.weights]: floats(rows, width, ({ text }, j) => (j < text.length ? each : 0)),
    ...(from && { [INPUTS.positions]: integers(rows, width, (row, j) => from(row) + j) }),
  };
}
