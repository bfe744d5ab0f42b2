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

/** How many answers took how many reasoning tokens, ascending. */
export function countLengths(
  answers: Iterable<{ readonly length: number; readonly right: boolean }>,
): LengthCount[] {
  const counts = new Map<number, LengthCount>();
  for (const { length, right } of answers) {
    const one = counts.get(length) ?? { length, right: 0, wrong: 0 };
    counts.set(length, { ...one, right: one.right + (right ? 1 : 0), wrong: one.wrong + (right ? 0 : 1) });
  }
  return [...counts.values()].sort((a, b) => a.length - b.length);
}
