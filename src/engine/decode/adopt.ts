import { Graph, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecodeShape } from './programs';

/** The sizes of a state that is adopted: 1 or B rows, and fewer columns than T. */
export interface AdoptedShape {
  readonly batch: number;
  readonly keys: number;
}

/** `last`, `k.{i}` and `v.{i}` of a state with other sizes → the same, one row repeated for all, columns padded to T. */
export function adoptProgram({ batch: B, capacity: T, config }: DecodeShape, from: AdoptedShape): Program {
  const { layers, kvHeads, headDim, hiddenSize } = config;
  const graph = new Graph();
  const rows = (x: Tensor): Tensor => (x.shape[0] === B ? x : o.expand(x, [B, ...x.shape.slice(1)]));
  // A tensor of its own even if rows and size stay: an input may not be an output.
  const outputs: Record<string, Tensor> = {
    last: rows(o.mul(graph.input('last', [from.batch, hiddenSize]), 1)),
  };
  for (let i = 0; i < layers; i++)
    for (const name of [`k.${i}`, `v.${i}`]) {
      const cache = graph.input(name, [from.batch, kvHeads, from.keys, headDim]);
      outputs[name] = rows(o.pad(cache, 2, 0, T - from.keys));
    }
  return { name: `${from.keys} columns padded to ${T}`, outputs };
}
