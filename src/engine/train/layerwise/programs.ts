import { vjp } from '../../graph/gradient';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import { finalNorm, outerModel, type StackModel } from '../../nn/stack';
import type {
  ComputeEntry,
  KeyValueLossEntry,
  LossEntry,
  Segment,
  TraceContext,
  Value,
} from '../tape/entries';
import type { Tape } from '../tape/tape';
import { rowsOf } from '../tape/whole';

/** A tensor that an entry left for its readers: what it computed, or the output of one of a segment's layers. */
export type Kept =
  | { readonly producer: ComputeEntry }
  | {
      readonly producer: Segment;
      readonly layer: number;
      /** Whether it is read at the segment's watched positions [B, w, H], all of which may be watched: [B·P, H]. */
      readonly watched: boolean;
    };

/**
 * The tensors that a program reads for a value: a computed value itself; for final states the output of the last layer,
 * before the final norm; for states the outputs of all layers of every track.
 */
export function keptOf(value: Value, layers: number): readonly Kept[] {
  if (value.kind === 'computed') return [{ producer: value.entry }];
  if (value.kind === 'finals') {
    const { segment, from, to } = value;
    return [
      { producer: segment, layer: layers - 1, watched: to - from === 1 && givesWatched(segment, from) },
    ];
  }
  return value.tracks.flatMap(({ segment }) =>
    Array.from({ length: layers }, (_, layer) => ({ producer: segment, layer, watched: true })),
  );
}

/** Whether a segment outputs its watched positions, including the given one, separately from the others. */
const givesWatched = ({ watched, positions }: Segment, position?: number): boolean =>
  watched.length < positions && (position === undefined ? watched.length > 0 : watched.includes(position));

export const inputName = (i: number, j: number): string => `x${i}.${j}`;
export const cotangentName = (i: number, j: number): string => `d${i}.${j}`;

interface Traced {
  readonly graph: Graph;
  readonly context: TraceContext;
  /** As they are bound, by input. */
  readonly kept: readonly (readonly Tensor[])[];
  /** As the entry's function takes them. */
  readonly values: readonly Tensor[];
}

function traceInputs(tape: Tape, inputs: readonly Value[]): Traced {
  const { batch: B, parameters } = tape;
  const { layers: L, hiddenSize: H } = parameters.config;
  const graph = new Graph();
  const model = outerModel(graph, parameters.config);
  const shapeOf = (kept: Kept): readonly number[] => {
    if (kept.producer.kind === 'compute') return kept.producer.shape;
    const { watched, positions } = kept.producer;
    return 'watched' in kept && kept.watched && givesWatched(kept.producer)
      ? [B, watched.length, H]
      : [B * positions, H];
  };
  const kept = inputs.map((value, i) =>
    keptOf(value, L).map((each, j) => graph.input(inputName(i, j), shapeOf(each))),
  );
  const values = inputs.map((value, i) => {
    const x = valueOf(tape, model, value, kept[i] as Tensor[]);
    return value.detached ? o.stopGradient(x) : x;
  });
  const parameter = (name: string): Tensor => graph.input(name, parameters.shape(name));
  return { graph, kept, values, context: { graph, model, parameter } };
}

/** A value in the tape's shape, made from the tensors kept for it. */
function valueOf(tape: Tape, model: StackModel, value: Value, kept: readonly Tensor[]): Tensor {
  const B = tape.batch;
  const { layers: L, hiddenSize: H } = tape.parameters.config;
  const first = kept[0] as Tensor;
  if (value.kind === 'computed') return first;
  if (value.kind === 'finals') {
    const { segment, from, to } = value;
    if (first.shape.length === 2) return rowsOf(finalNorm(model, first), B, segment.positions, from, to);
    const at = segment.watched.indexOf(from);
    return finalNorm(model, o.reshape(o.slice(first, 1, at, at + 1), [B, H]));
  }
  const tracks = value.tracks.flatMap(({ segment, positions }, t) => {
    const m = givesWatched(segment) ? segment.watched.length : segment.positions;
    const layers = kept.slice(t * L, (t + 1) * L).map((output, layer) => {
      const rows = o.reshape(output, [B * m, H]);
      return o.reshape(layer === L - 1 ? finalNorm(model, rows) : rows, [B, m, 1, H]);
    });
    const all = o.concat(layers, 2);
    if (positions.length === m) return [all];
    return positions.map((p) => {
      const index = givesWatched(segment) ? segment.watched.indexOf(p) : p;
      return o.slice(all, 1, index, index + 1);
    });
  });
  return o.reshape(o.concat(tracks, 1), value.shape);
}

/** Which inputs have a gradient. */
export const differentiable = (inputs: readonly Value[]): number[] =>
  inputs.flatMap(({ detached }, i) => (detached ? [] : [i]));

/** Gradients of the kept inputs that have one, and running sums of parameters' gradients: `d{i}.{j}`, `gradient.{name}`. */
function reverseOutputs(
  { graph, kept, context }: Traced,
  ends: readonly [Tensor, Tensor][],
  inputs: readonly Value[],
  parameters: readonly string[],
): Record<string, Tensor> {
  const some = differentiable(inputs);
  const own = parameters.map((name) => context.parameter(name));
  const parts = vjp(
    ends.map(([end]) => end),
    ends.map(([, cotangent]) => cotangent),
    [...some.flatMap((i) => kept[i] as Tensor[]), ...own],
  );
  const outputs: Record<string, Tensor> = {};
  for (const i of some)
    kept[i]?.forEach((_, j) => {
      outputs[cotangentName(i, j)] = parts.shift() as Tensor;
    });
  for (const name of parameters) {
    const part = parts.shift() as Tensor;
    outputs[`gradient.${name}`] = o.add(graph.input(`sum.${name}`, part.shape), part);
  }
  return outputs;
}

/** A compute entry: inputs `x{i}.{j}` → y; in reverse also dy → `d{i}.{j}` and the gradients of its parameters. */
export function computePrograms(tape: Tape, entry: ComputeEntry): { forward: Program; reverse: Program } {
  const traced = traceInputs(tape, entry.inputs);
  const y = entry.trace(traced.context, traced.values);
  const dy = traced.graph.input('dy', y.shape);
  return {
    forward: { name: entry.name, outputs: { y } },
    reverse: {
      name: `${entry.name}, in reverse`,
      outputs: reverseOutputs(traced, [[y, dy]], entry.inputs, entry.parameters),
    },
  };
}

/** A loss, forward and reverse at once: inputs `x{i}.{j}` → `terms` [n], `d{i}.{j}` and the gradients of its parameters. */
export function lossProgram(tape: Tape, entry: LossEntry): Program {
  const traced = traceInputs(tape, entry.inputs);
  const scalars = entry.trace(traced.context, traced.values);
  const terms = o.concat(
    scalars.map((term) => o.reshape(term, [1])),
    0,
  );
  const ones = traced.graph.constant(new Float32Array(terms.shape[0] as number).fill(1), terms.shape);
  return {
    name: `loss ${entry.names.join(', ')}`,
    outputs: { terms, ...reverseOutputs(traced, [[terms, ones]], entry.inputs, entry.parameters) },
  };
}

/**
 * One layer's part of a key/value loss: caches `k`, `v` [B, kvHeads, T, d], the layer's `target`, the
 * cotangents of the caches and the term so far → `dK`, `dV`, `term` [1].
 */
export function keyValueLossProgram(tape: Tape, entry: KeyValueLossEntry, columns: number): Program {
  const { kvHeads, headDim } = tape.parameters.config;
  const graph = new Graph();
  const cache = [tape.batch, kvHeads, columns, headDim];
  const [k, v] = [graph.input('k', cache), graph.input('v', cache)];
  const { from, to } = entry.range;
  const target = graph.input('target', entry.target.shape.slice(1));
  const term = o.reshape(entry.trace(o.slice(k, 2, from, to), o.slice(v, 2, from, to), target), [1]);
  const [dK, dV] = vjp([term], [graph.constant(new Float32Array([1]), [1])], [k, v]) as [Tensor, Tensor];
  const summed = (name: string, part: Tensor): Tensor => o.add(graph.input(name, part.shape), part);
  const outputs = { term: summed('sum', term), dK: summed('sumK', dK), dV: summed('sumV', dV) };
  return { name: `loss ${entry.name}`, outputs };
}

/** A value unchanged, for whatever takes it as one tensor: an output of the tape, or a loss that runs as a kernel. */
export const itself = (value: Value): ComputeEntry => ({
  kind: 'compute',
  name: 'value',
  shape: value.shape,
  inputs: [value],
  parameters: [],
  trace: (_context, [x]) => x as Tensor,
});

/** Vectors laid end to end: inputs `0`, `1`, … → `terms`. */
export function termsProgram(lengths: readonly number[]): Program {
  const graph = new Graph();
  const parts = lengths.map((length, i) => graph.input(String(i), [length]));
  return { name: 'terms', outputs: { terms: o.concat(parts, 0) } };
}

/** a + b. */
export function sumProgram(shape: readonly number[]): Program {
  const graph = new Graph();
  return { name: 'sum', outputs: { sum: o.add(graph.input('a', shape), graph.input('b', shape)) } };
}
