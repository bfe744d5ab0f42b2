import { z } from 'zod';

/**
 * Where problems to answer come from. `held-out`: what was held out of the subject's training: the pair's held-out problems,
 * or, of a student that was trained on a data set, its held-out rows. `rows`: rows of the data set that is open, the last
 * ones in the order of `seed`, which are those that a run with this split seed holds out.
 */
export const problemSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('held-out') }),
  z.strictObject({
    kind: z.literal('rows'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1),
  }),
]);
export type ProblemSource = z.infer<typeof problemSource>;

export const HELD_OUT: ProblemSource = { kind: 'held-out' };
