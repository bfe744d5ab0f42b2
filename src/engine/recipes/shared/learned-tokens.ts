import * as o from '../../graph/ops';
import type { DecoderConfig } from '../../nn/config';
import type { ModuleParameter } from '../../train/parameters';
import type { Computed } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';

/** Standard deviation of fresh embeddings. */
const SPREAD = 0.02;

/** Learned embeddings [n, H] of added tokens, which are fed and never produced. */
export const learnedTokens = (
  name: string,
  n: number,
  { hiddenSize: H }: DecoderConfig,
): ModuleParameter => ({
  name,
  shape: [n, H],
  decay: false,
  initial: (rng) => Float32Array.from({ length: n * H }, () => SPREAD * rng.normal()),
});

/** The only row of a learned embedding [1, H], `count` times in every sample: [B·count, H]. */
export function repeated(tape: Tape, name: string, count: number): Computed {
  const shape = [tape.batch * count, tape.parameters.config.hiddenSize];
  return tape.compute(`${count} of ${name}`, shape, [], ({ parameter }) => o.expand(parameter(name), shape), [
    name,
  ]);
}
