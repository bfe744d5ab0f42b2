import { sizeOf } from '../../base/shape';
import { vjp } from '../../graph/gradient';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { AttachedPack } from '../attachments';

/** What a gradient is taken of: a tensor, or the factors that one parameter packs, whose gradients it packs in turn. */
export type Leaves = Pick<AttachedPack, 'leaves' | 'pack'>;

export const leaf = (x: Tensor): Leaves => ({ leaves: [x], pack: ([gradient]) => gradient as Tensor });

/** An output and its cotangent. */
export type End = readonly [end: Tensor, cotangent: Tensor];

/** An output whose cotangent is an input. */
export const fed = (name: string, end: Tensor): End => [end, end.graph.input(name, end.shape)];

/** Terms, each of which counts once. */
export const ones = (y: Tensor): End => [
  y,
  y.graph.constant(new Float32Array(sizeOf(y.shape)).fill(1), y.shape),
];

/** The output `sum.{name}`: the sum so far, which is the input `before.{name}`, plus a part. */
export const summed = (name: string, part: Tensor): Record<string, Tensor> => ({
  [`sum.${name}`]: o.add(part.graph.input(`before.${name}`, part.shape), part),
});

/** A reverse pass: the gradients of `fresh` by their names, and those of the inputs `sums`, each added to its sum so far. */
export function reverseOutputs(
  ends: readonly End[],
  fresh: Readonly<Record<string, Leaves>>,
  sums: Readonly<Record<string, Leaves>> = {},
): Record<string, Tensor> {
  const all = [...Object.values(fresh), ...Object.values(sums)];
  const parts = vjp(
    ends.map(([end]) => end),
    ends.map(([, cotangent]) => cotangent),
    all.flatMap(({ leaves }) => leaves),
  );
  const next = ({ leaves, pack }: Leaves): Tensor => pack(parts.splice(0, leaves.length));
  const outputs: Record<string, Tensor> = {};
  for (const [name, own] of Object.entries(fresh)) outputs[name] = next(own);
  for (const [name, own] of Object.entries(sums)) Object.assign(outputs, summed(name, next(own)));
  return outputs;
}
