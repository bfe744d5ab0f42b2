import type { HostTensor } from '../../base/dtype';
import type { OwnInputs, TrainingTokens } from './recipe';

/** Inputs of a pass over the written rationale (`explicit` of a batch), row by row. */
export const CHAIN_INPUTS = {
  /** f32 [B, R]: the mean over the tokens of rationale and prompt. */
  chainWeights: 'explicit.chainWeights',
  /** f32 [B, R]: the mean over the answers' tokens. */
  answerWeights: 'explicit.answerWeights',
} as const;

/** A mean for each part of a pass over the written rationale. */
export function chainInputs({ layout: { explicit: R }, codec }: TrainingTokens): OwnInputs {
  const P = codec.prompt.length;
  return {
    means: Object.values(CHAIN_INPUTS),
    feeds(problems) {
      const before = problems.map(({ rationale }) => rationale.length + P);
      const chain = before.map((n) => [0, n] as const);
      const answers = problems.map(({ answer }, b) => {
        const from = before[b] as number;
        return [from, from + answer.length] as const;
      });
      return {
        [CHAIN_INPUTS.chainWeights]: meanOver(chain, R),
        [CHAIN_INPUTS.answerWeights]: meanOver(answers, R),
      };
    },
  };
}

/** Weights [B, width] of the mean over each row's columns [from, to). */
export function meanOver(
  ranges: readonly (readonly [from: number, to: number])[],
  width: number,
): HostTensor {
  const data = new Float32Array(ranges.length * width);
  const count = ranges.reduce((n, [from, to]) => n + to - from, 0);
  ranges.forEach(([from, to], b) => {
    data.fill(1 / count, b * width + from, b * width + to);
  });
  return { dtype: 'f32', shape: [ranges.length, width], data };
}
