import type { Rng } from '../../base/rng';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { ModuleParameter, ParameterOf } from '../parameters';

/** ε of torch's LayerNorm. */
const EPSILON = 1e-5;

/** The exact GELU, x·Φ(x). */
const gelu = (x: Tensor): Tensor => o.mul(o.mul(x, 0.5), o.add(o.erf(o.mul(x, Math.SQRT1_2)), 1));

/** LayerNorm over the last axis, with the biased variance, as torch's. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const centred = o.sub(x, o.reduceMean(x, [-1], true));
  const deviation = o.sqrt(o.add(o.reduceMean(o.square(centred), [-1], true), EPSILON));
  return o.add(o.mul(o.div(centred, deviation), weight), bias);
}

/** Bounds of a Linear's uniform initial values: of its weight [out, in], and of its bias. */
type Bounds = (fanIn: number, fanOut: number) => { readonly weight: number; readonly bias: number };

/** torch's own for a Linear: ±1/√in for both. */
export const TORCH_LINEAR: Bounds = (fanIn) => ({ weight: 1 / Math.sqrt(fanIn), bias: 1 / Math.sqrt(fanIn) });

/** Xavier-uniform weights (Glorot and Bengio 2010), zero biases. */
export const XAVIER: Bounds = (fanIn, fanOut) => ({ weight: Math.sqrt(6 / (fanIn + fanOut)), bias: 0 });

export const uniform = (rng: Rng, length: number, bound: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, () => (bound === 0 ? 0 : (2 * rng.uniform() - 1) * bound));

/** Sizes of Linear(H→P), GELU, Linear(P→H) and, where `norm`, LayerNorm. */
export interface Sizes {
  /** Prefix of its parameters: `{name}.in.weight`, … */
  readonly name: string;
  /** H */
  readonly hidden: number;
  /** P */
  readonly width: number;
  readonly norm: boolean;
}

/** Weight [out, in] and bias of a Linear. */
export const linearParameters = (
  name: string,
  fanIn: number,
  fanOut: number,
  bounds: Bounds,
): ModuleParameter[] => [
  {
    name: `${name}.weight`,
    shape: [fanOut, fanIn],
    initial: (rng) => uniform(rng, fanOut * fanIn, bounds(fanIn, fanOut).weight),
  },
  {
    name: `${name}.bias`,
    shape: [fanOut],
    decay: false,
    initial: (rng) => uniform(rng, fanOut, bounds(fanIn, fanOut).bias),
  },
];

/** A norm's weight or bias: the same value for every feature at first. */
export const constantParameter = (name: string, H: number, value: number): ModuleParameter => ({
  ...{ name, shape: [H], decay: false },
  initial: () => new Float32Array(H).fill(value),
});

export function perceptronParameters(
  { name, hidden: H, width: P, norm }: Sizes,
  bounds: Bounds,
): ModuleParameter[] {
  return [
    ...linearParameters(`${name}.in`, H, P, bounds),
    ...linearParameters(`${name}.out`, P, H, bounds),
    ...(norm
      ? [constantParameter(`${name}.norm.weight`, H, 1), constantParameter(`${name}.norm.bias`, H, 0)]
      : []),
  ];
}

/** [n, H] → [n, H] */
export function perceptron({ name, norm }: Sizes, x: Tensor, parameter: ParameterOf): Tensor {
  const p = (part: string): Tensor => parameter(`${name}.${part}`);
  const inner = gelu(o.gemm(x, p('in.weight'), { transB: true }, p('in.bias')));
  const out = o.gemm(inner, p('out.weight'), { transB: true }, p('out.bias'));
  return norm ? layerNorm(out, p('norm.weight'), p('norm.bias')) : out;
}
