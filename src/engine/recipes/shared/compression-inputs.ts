import type { HostTensor } from '../../base/dtype';
import { longest } from './batches';
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
      const B = batch.length;
      const input = (width: number): HostTensor & { data: Float32Array } => ({
        ...{ dtype: 'f32', shape: [B, width], data: new Float32Array(B * width) },
      });
      const [mask, answers, weights] = [input(N), input(R - 1), input(M)];
      const keptOf = (length: number): number => Math.min(M, length);
      const total = batch.reduce((n, { rationale }) => n + keptOf(rationale.length), 0);
      batch.forEach(({ rationale: { length }, answer }, b) => {
        mask.data.fill(1, b * N, b * N + length);
        weights.data.fill(1 / total, b * M, b * M + keptOf(length));
        const from = b * (R - 1) + length + P;
        const said = answer.length - 1;
        if (said > 0) answers.data.fill(1 / said, from, from + said);
      });
      return {
        [COMPRESSION_INPUTS.mask]: mask,
        [COMPRESSION_INPUTS.answers]: answers,
        [COMPRESSION_INPUTS.weights]: weights,
      };
    },
  };
}
