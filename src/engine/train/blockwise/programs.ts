import { vjp } from '../../graph/gradient';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../../nn/config';
import { outerModel } from '../../nn/stack';
import type {
  ComputeEntry,
  Finals,
  KeyValueLossEntry,
  LossEntry,
  States,
  TraceContext,
  Value,
} from '../tape/entries';
import type { Tape } from '../tape/tape';
import { rowsOf } from '../tape/whole';

/**
 * What a program reads of a value is the tensor it is kept in: a computed value itself; of final states the output of
 * the last layer, before the final norm, at all positions or at the watched ones; of states what `arrange` made.
 */
const inputName = (i: number): string => `x${i}`;
export const cotangentName = (i: number): string => `d${i}`;

/** Shape of the tensor a program reads for final states. */
function keptShape(finals: Finals, batch: number, hidden: number): number[] {
  const { positions, watched } = finals.segment;
  return readsWatched(finals) ? [batch, watched.length, hidden] : [batch * positions, hidden];
}

/** Whether final states are kept among the watched positions rather than with all. */
export const readsWatched = ({ segment, from, to }: Finals): boolean =>
  to - from === 1 && segment.watched.includes(from) && segment.watched.length < segment.positions;

interface Traced {
  readonly graph: Graph;
  readonly context: TraceContext;
  /** As they are bound. */
  readonly kept: readonly Tensor[];
  /** As the entry's function takes them. */
  readonly values: readonly Tensor[];
}

function traceInputs(tape: Tape, inputs: readonly Value[]): Traced {
  const { config } = tape.parameters;
  const graph = new Graph();
  const model = outerModel(graph, config);
  const B = tape.batch;
  const H = config.hiddenSize;
  const kept: Tensor[] = [];
  const values = inputs.map((value, i) => {
    const shape = value.kind === 'finals' ? keptShape(value, B, H) : value.shape;
    const x = graph.input(inputName(i), shape);
    kept.push(x);
    const plain = value.kind === 'finals' ? finalStates(x, value, config, B) : x;
    return value.detached ? o.stopGradient(plain) : plain;
  });
  const parameter = (name: string): Tensor => graph.input(name, tape.parameters.shape(name));
  return { graph, kept, values, context: { graph, model, parameter } };

  function finalStates(
    x: Tensor,
    { segment, from, to }: Finals,
    { rmsNormEps }: DecoderConfig,
    batch: number,
  ) {
    const norm = (rows: Tensor): Tensor => o.rmsNorm(rows, model.outer.finalNorm as Tensor, rmsNormEps);
    if (shapeIsWatched(x)) {
      const at = segment.watched.indexOf(from);
      return norm(o.reshape(o.slice(x, 1, at, at + 1), [batch, H]));
    }
    return rowsOf(norm(x), batch, segment.positions, from, to);
  }
}

const shapeIsWatched = (x: Tensor): boolean => x.shape.length === 3;

/** Which inputs have a gradient. */
export const differentiable = (inputs: readonly Value[]): number[] =>
  inputs.flatMap(({ detached }, i) => (detached ? [] : [i]));

/** Gradients of the kept inputs that have one, and of parameters added to what there was: `d{i}`, `gradient.{name}`. */
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
    [...some.map((i) => kept[i] as Tensor), ...own],
  );
  const outputs: Record<string, Tensor> = {};
  some.forEach((i, n) => {
    outputs[cotangentName(i)] = parts[n] as Tensor;
  });
  parameters.forEach((name, n) => {
    const part = parts[some.length + n] as Tensor;
    outputs[`gradient.${name}`] = o.add(graph.input(`sum.${name}`, part.shape), part);
  });
  return outputs;
}

/** A compute entry: inputs `x{i}` → y; in reverse also dy → `d{i}` and the gradients of its parameters. */
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

/** A loss, forward and reverse at once: inputs `x{i}` → `terms` [n], `d{i}` and the gradients of its parameters. */
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
 * The part of a key/value loss that one layer has: caches `k`, `v` [B, kvHeads, T, d], the layer's `target`, the
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

/** Positions of a segment as they are kept for states: the watched ones, or all. */
export const keptPositions = ({
  positions,
  watched,
}: {
  positions: number;
  watched: readonly number[];
}): number => (watched.length > 0 && watched.length < positions ? watched.length : positions);

/**
 * Outputs of every layer of every track, end to end [rows, H] as they were copied, → states as the tape shapes them,
 * the last layer's after the final norm; and rows and the cotangent of states → the cotangents of the rows.
 */
export function arrangePrograms(
  tape: Tape,
  states: States,
): { arrange: Program; spread: Program; rows: number } {
  const { config } = tape.parameters;
  const { layers: L, hiddenSize: H } = config;
  const B = tape.batch;
  const graph = new Graph();
  const model = outerModel(graph, config);
  const rows = states.tracks.reduce((n, { segment }) => n + L * B * keptPositions(segment), 0);
  const pieces = graph.input('pieces', [rows, H]);
  let at = 0;
  const parts = states.tracks.flatMap(({ segment, positions }) => {
    const m = keptPositions(segment);
    const byLayer = Array.from({ length: L }, (_, layer) => {
      const own = o.slice(pieces, 0, at, at + B * m);
      at += B * m;
      const state =
        layer === L - 1 ? o.rmsNorm(own, model.outer.finalNorm as Tensor, config.rmsNormEps) : own;
      return o.reshape(state, [B, m, 1, H]);
    });
    const all = o.concat(byLayer, 2);
    if (positions.length === m) return [all];
    return positions.map((p) => {
      const index = m === segment.positions ? p : segment.watched.indexOf(p);
      return o.slice(all, 1, index, index + 1);
    });
  });
  const arranged = o.reshape(o.concat(parts, 1), states.shape);
  const [back] = vjp([arranged], [graph.input('cotangent', states.shape)], [pieces]);
  return {
    arrange: { name: 'states', outputs: { states: arranged } },
    spread: { name: 'states, in reverse', outputs: { cotangents: back as Tensor } },
    rows,
  };
}

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
