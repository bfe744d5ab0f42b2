import type { Tensor } from '../../graph/graph';
import type { DecoderConfig } from '../config';
import type { ModuleParameter, ParameterOf } from '../parameters';
import { perceptron, perceptronParameters, type Sizes, XAVIER } from './perceptron';

/** The recurrent filter of adaptive latent reasoning: Linear(H, H), exact GELU, Linear(H, H), LayerNorm. */
export interface RecurrentFilterSpec {
  readonly kind: 'recurrentFilter';
  /** Prefix of its parameters. */
  readonly name: string;
}

const sizesOf = (
  { hiddenSize: H }: Pick<DecoderConfig, 'hiddenSize'>,
  { name }: RecurrentFilterSpec,
): Sizes => ({
  name,
  hidden: H,
  width: H,
  norm: true,
});

/** Fresh weights are Xavier-uniform, biases zero. */
export const recurrentFilterParameters = (
  config: Pick<DecoderConfig, 'hiddenSize'>,
  spec: RecurrentFilterSpec,
): ModuleParameter[] => perceptronParameters(sizesOf(config, spec), XAVIER);

/** [n, H] → [n, H] */
export const filtered = (
  config: Pick<DecoderConfig, 'hiddenSize'>,
  spec: RecurrentFilterSpec,
  x: Tensor,
  parameter: ParameterOf,
): Tensor => perceptron(sizesOf(config, spec), x, parameter);
