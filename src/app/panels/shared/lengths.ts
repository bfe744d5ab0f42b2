import type { LengthCount } from '../../../contract/events';
import type { LineSeries } from '../../charts/series';

/** How many problems took how many reasoning tokens, as charts show it. */

/** Unit of a reasoning’s length. */
export const TOKENS = 'reasoning tokens';

/**
 * A histogram of problems by reasoning tokens, of right ones and of wrong ones, with 0 at every length between that none has; and the share
 * of right ones at each length that some have.
 */
export function lengthHistogram(lengths: readonly LengthCount[]) {
  const seen = lengths.map(({ length }) => length);
  const x = lengthsAround(seen);
  const share: LineSeries[] = [
    {
      name: 'share of right answers',
      points: true,
      x: seen,
      y: lengths.map(({ right, wrong }) => right / (right + wrong)),
    },
  ];
  const counts = [
    counted('right', x, lengths, ({ right }) => right),
    counted('wrong', x, lengths, ({ wrong }) => wrong),
  ];
  return { counts, share };
}

/** From one below the shortest length to one above the longest. */
export function lengthsAround(seen: readonly number[]): number[] {
  const [shortest, longest] = [Math.min(...seen), Math.max(...seen)];
  return Array.from({ length: longest - shortest + 3 }, (_, i) => shortest - 1 + i);
}

/** A histogram over x, with 0 at every length that no problem has. */
export function counted(
  name: string,
  x: readonly number[],
  lengths: readonly LengthCount[],
  of: (one: LengthCount) => number,
): LineSeries {
  const at = new Map(lengths.map((one) => [one.length, of(one)]));
  return { name, x, steps: true, y: x.map((length) => at.get(length) ?? 0) };
}
