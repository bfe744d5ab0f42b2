import type { LengthCount } from './events';

/** Mean of reasoning tokens over problems. */
export function meanLength(lengths: readonly LengthCount[]): number {
  const [sum, count] = lengths.reduce(
    ([s, n], { length, right, wrong }) => [s + length * (right + wrong), n + right + wrong],
    [0, 0],
  );
  return sum / count;
}
