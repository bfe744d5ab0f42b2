import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../config';
import type { ModuleParameter, ParameterOf } from '../parameters';
import { TORCH_LINEAR, uniform } from './perceptron';

/** Decides after a final hidden state whether to reason on: a linear classifier. */
export interface StopHeadSpec {
  readonly kind: 'stopHead';
  /** Prefix of its parameters. */
  readonly name: string;
  /** Divides both logits; 1 without it. */
  readonly temperature?: number | undefined;
}

/** Its classes. */
export const [CONTINUE, STOP] = [0, 1];

/** Fresh values are those of torch's Linear. */
export function stopHeadParameters(
  { hiddenSize: H }: Pick<DecoderConfig, 'hiddenSize'>,
  { name }: StopHeadSpec,
): ModuleParameter[] {
  const bounds = TORCH_LINEAR(H, 2);
  return [
    { name: `${name}.weight`, shape: [2, H], initial: (rng) => uniform(rng, 2 * H, bounds.weight) },
    { name: `${name}.bias`, shape: [2], decay: false, initial: (rng) => uniform(rng, 2, bounds.bias) },
  ];
}

/** Logits [n, 2] of going on and of stopping, given final hidden states [n, H]. */
export function stopLogits(
  { name, temperature = 1 }: StopHeadSpec,
  x: Tensor,
  parameter: ParameterOf,
): Tensor {
  const logits = o.gemm(x, parameter(`${name}.weight`), { transB: true }, parameter(`${name}.bias`));
  return temperature === 1 ? logits : o.div(logits, temperature);
}
