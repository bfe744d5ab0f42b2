import type { Tensor } from '../../graph/graph';
import type { DecoderConfig } from '../config';
import type { ModuleParameter, ParameterOf } from '../parameters';
import { perceptron, perceptronParameters, type Sizes, TORCH_LINEAR } from './perceptron';

/** CODI's projection of a latent (CODI §3.2): Linear(H→P), exact GELU, Linear(P→H) and, in its code, LayerNorm. */
export interface ProjectionSpec {
  readonly kind: 'projection';
  /** Prefix of its parameters. */
  readonly name: string;
  /** P */
  readonly width: number;
  /** Whether LayerNorm comes last. */
  readonly norm: boolean;
}

const sizesOf = ({ hiddenSize: hidden }: Pick<DecoderConfig, 'hiddenSize'>, spec: ProjectionSpec): Sizes => ({
  ...spec,
  hidden,
});

/** Fresh values are those of torch's Linear and LayerNorm. */
export const projectionParameters = (
  config: Pick<DecoderConfig, 'hiddenSize'>,
  spec: ProjectionSpec,
): ModuleParameter[] => perceptronParameters(sizesOf(config, spec), TORCH_LINEAR);

/** [n, H] → [n, H] */
export const projected = (
  config: Pick<DecoderConfig, 'hiddenSize'>,
  spec: ProjectionSpec,
  x: Tensor,
  parameter: ParameterOf,
): Tensor => perceptron(sizesOf(config, spec), x, parameter);
