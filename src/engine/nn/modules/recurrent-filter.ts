import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../config';
import type { ModuleParameter, ParameterOf } from '../parameters';
import {
  constantParameter,
  layerNorm,
  linearParameters,
  perceptron,
  perceptronParameters,
  type Sizes,
  XAVIER,
} from './perceptron';

/**
 * The recurrent filter of adaptive latent reasoning: Linear(H, H), exact GELU, Linear(H, H), LayerNorm. Of other forms, one
 * Linear(H, H) and RMSNorm and a bias (`linear`), or LayerNorm (`linear-norm`), as in its code.
 */
export interface RecurrentFilterSpec {
  readonly kind: 'recurrentFilter';
  /** Prefix of its parameters. */
  readonly name: string;
  readonly form?: 'linear' | 'linear-norm';
}

/** ε of torch's RMSNorm without one: that of float32. */
const EPSILON = 2 ** -23;

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
export function recurrentFilterParameters(
  config: Pick<DecoderConfig, 'hiddenSize'>,
  spec: RecurrentFilterSpec,
): ModuleParameter[] {
  const { hiddenSize: H } = config;
  const { name, form } = spec;
  if (!form) return perceptronParameters(sizesOf(config, spec), XAVIER);
  return [
    ...linearParameters(`${name}.linear`, H, H, XAVIER),
    constantParameter(`${name}.norm.weight`, H, 1),
    constantParameter(form === 'linear' ? `${name}.bias` : `${name}.norm.bias`, H, 0),
  ];
}

/** [n, H] → [n, H] */
export function filtered(
  config: Pick<DecoderConfig, 'hiddenSize'>,
  spec: RecurrentFilterSpec,
  x: Tensor,
  parameter: ParameterOf,
): Tensor {
  const { name, form } = spec;
  if (!form) return perceptron(sizesOf(config, spec), x, parameter);
  const p = (part: string): Tensor => parameter(`${name}.${part}`);
  const y = o.gemm(x, p('linear.weight'), { transB: true }, p('linear.bias'));
  if (form === 'linear-norm') return layerNorm(y, p('norm.weight'), p('norm.bias'));
  const root = o.sqrt(o.add(o.reduceMean(o.square(y), [-1], true), EPSILON));
  return o.add(o.mul(o.div(y, root), p('norm.weight')), p('bias'));
}
