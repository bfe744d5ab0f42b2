import { floats, longest } from './batches';
import type { OwnInputs, TrainingTokens } from './recipe';

/** Inputs of the compression of a rationale's keys and values to M of its N tokens. */
export const COMPRESSION_INPUTS = {
  /** f32 [B, N]: 1 at the rationale's tokens. */
  mask: 'chain.mask',
  /** f32 [B, R − 1], over the explicit pass: 1 over their number at the answer's tokens, without the end of sequence. */
  answers: 'chain.answers',
  /** f32 [B, M]: the mean over the kept tokens of the batch; a sample of fewer than M keeps those. */
  weights: 'chain.weights',
} as const;

/** `sizes.chain` is N, the longest rationale. */
export function compressionInputs({ problems, layout, codec }: TrainingTokens, M: number): OwnInputs {
  const N = Math.max(
    1,
    longest(problems, ({ rationale }) => rationale.length),
  );
  const [P, R] = [codec.prompt.length, layout.explicit];
  return {
    sizes: { chain: N },
    means: [COMPRESSION_INPUTS.weights],
    feeds(batch) {
      const kept = batch.reduce((n, { rationale }) => n + Math.min(M, rationale.length), 0);
      return {
        [COMPRESSION_INPUTS.mask]: floats(batch, N, ({ rationale }, j) => (j < rationale.length ? 1 : 0)),
        [COMPRESSION_INPUTS.answers]: floats(batch, R - 1, ({ rationale, answer }, j) => {
          const [from, said] = [rationale.length + P, answer.length - 1];
          return j >= from && j < from + said ? 1 / said : 0;
        }),
        [COMPRESSION_INPUTS.weights]: floats(batch, M, ({ rationale }, m) =>
          m < rationale.length ? 1 / kept : 0,
        ),
      };
    },
  };
}
