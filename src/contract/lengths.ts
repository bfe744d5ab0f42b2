import type { LengthCount } from './events';

/** The two tokens around latents count as reasoning, as in the paper of the students that stop by themselves. */
export const AROUND_LATENTS = 2;

/** Mean of reasoning tokens over problems. */
export function meanLength(lengths: readonly LengthCount[]): number {
  const [sum, count] = lengths.reduce(
    ([s, n], { length, right, wrong }) => [s + length * (right + wrong), n + right + wrong],
    [0, 0],
  );
  return sum / count;
}
