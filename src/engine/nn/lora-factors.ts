import { BUG, ConfigError } from '../base/errors';
import { type DecoderConfig, groupsOf, type LinearName, linearSizes } from './config';
import { type LoraSpec, loraLayout } from './lora';
import { layerWeights } from './weight-parts';

/** LoRA's factors on one linear of a checkpoint: W + (alpha/rank)·B·A in the order [out, in], whatever the checkpoint has. */
export interface ModuleFactors {
  /** Name of the tensor that they change: `model.layers.0.self_attn.q_proj.weight`. */
  readonly target: string;
  readonly rank: number;
  readonly alpha: number;
  /** [rank, in] */
  readonly a: Float32Array<ArrayBuffer>;
  readonly in: number;
  /** [out, rank] */
  readonly b: Float32Array<ArrayBuffer>;
  readonly out: number;
}

/**
 * An adapter's packs as factors on the linears that a checkpoint has. Where it fuses several of ours (GPT-2's c_attn), their
 * factors are stacked, with B block-diagonal: rank and alpha are multiples, and the product is the same.
 * @param packs of each layer
 */
export function loraFactors(
  config: DecoderConfig,
  spec: LoraSpec,
  packs: readonly Float32Array<ArrayBuffer>[],
): ModuleFactors[] {
  const { parts, length } = loraLayout(config, spec);
  const sizes = linearSizes(config);
  return packs.flatMap((pack, i) => {
    if (pack.length !== length)
      throw new ConfigError(`an adapter’s pack has ${pack.length} values; its layout has ${length}`, BUG);
    const weights = layerWeights(config, i);
    const factor = (linear: LinearName, which: 'A' | 'B'): Float32Array | undefined => {
      const part = parts.find((one) => one.linear === linear && one.factor === which);
      return part && pack.subarray(part.offset, part.offset + part.shape[0] * part.shape[1]);
    };
    return groupsOf(config).flatMap(([group, linears]) => {
      const own = weights[group]?.parts ?? [];
      const fused = own.length < linears.length;
      return own.flatMap(({ name }, p) => {
        const covered = fused ? linears : [linears[p] as LinearName];
        const found = covered.map((linear) => ({
          out: sizes[linear].out,
          a: factor(linear, 'A'),
          b: factor(linear, 'B'),
        }));
        return stacked(name, found, sizes[covered[0] as LinearName].in, spec);
      });
    });
  });
}

function stacked(
  target: string,
  linears: readonly {
    readonly out: number;
    readonly a: Float32Array | undefined;
    readonly b: Float32Array | undefined;
  }[],
  width: number,
  { rank: r, alpha }: LoraSpec,
): ModuleFactors[] {
  const adapted = linears.filter(({ a }) => a !== undefined).length;
  if (adapted === 0) return [];
  const rank = adapted * r;
  const out = linears.reduce((n, linear) => n + linear.out, 0);
  const a = new Float32Array(rank * width);
  const b = new Float32Array(out * rank);
  let [row, column] = [0, 0];
  for (const linear of linears) {
    if (linear.a && linear.b) {
      a.set(linear.a, column * width);
      for (let o = 0; o < linear.out; o++)
        b.set(linear.b.subarray(o * r, (o + 1) * r), (row + o) * rank + column);
      column += r;
    }
    row += linear.out;
  }
  return [{ target, rank, alpha: adapted * alpha, a, in: width, b, out }];
}
