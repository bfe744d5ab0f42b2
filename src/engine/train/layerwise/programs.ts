import { vjp } from '../../graph/gradient';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { AdapterSpec } from '../../nn/attachments';
import { atPositions } from '../../nn/positions';
import { layerPrograms, maskWidth, type SegmentShape } from '../../nn/programs/layer';
import { finalNorm, outerModel } from '../../nn/stack';
import type {
  Computed,
  Entry,
  FunctionEntry,
  KeyValueLossEntry,
  Producer,
  Segment,
  TraceContext,
  Value,
} from '../tape/entries';
import type { Tape } from '../tape/tape';
import { readsOf, statesOf } from '../tape/values';
import type { Plan } from './plan';

/** A tensor that a producer leaves for its readers. */
export interface Kept {
  readonly producer: Producer;
  /** Which of the producer's tensors it is. */
  readonly slot: string;
}

/** What a function computed. */
export const result = (producer: FunctionEntry): Kept => ({ producer, slot: 'y' });
export const computed = ({ entry }: Computed): Kept => result(entry);

/** The output of a segment's layer before the final norm: [B·P, H], or [B, w, H] at its watched positions alone. */
export const layerOutput = (producer: Segment, layer: number, watched: boolean): Kept => ({
  producer,
  slot: `${layer}${watched ? ' watched' : ''}`,
});

/** The tensors that a program reads for a value. */
export function keptOf(tape: Tape, value: Value): Kept[] {
  if (value.kind === 'computed') return [computed(value)];
  return readsOf(tape, value).map(({ segment, layer, watched }) => layerOutput(segment, layer, watched));
}

export const inputName = (i: number, j: number): string => `x${i}.${j}`;
export const cotangentName = (i: number, j: number): string => `d${i}.${j}`;

/** Part of an entry that is a program; a loss runs forward and in reverse at once. */
export type Part = 'forward' | 'reverse';

/** What an entry runs as. Entries with the same key run as the same programs. */
export interface Source {
  readonly key: string;
  trace(part: Part): Program;
}

export function sourceOf(tape: Tape, plan: Plan, entry: Entry): Source {
  if (entry.kind === 'segment') {
    const shape = shapeOf(tape, plan, entry);
    return {
      key: `segment ${JSON.stringify(shape)}`,
      trace: (part) => layerPrograms(tape.parameters.config, shape)[part],
    };
  }
  if (entry.kind === 'keyValueLoss')
    return { key: `loss ${entry.terms}`, trace: () => keyValueLossProgram(tape, entry, plan.columns) };
  const inputs = entry.inputs.map((value) => [
    value.shape,
    value.detached,
    value.kind === 'states' &&
      value.tracks.map(({ segment, positions }) => [positions, segment.positions, segment.watched]),
  ]);
  return {
    key: `${entry.kind} ${entry.name} ${JSON.stringify(inputs)} ${entry.parameters}`,
    trace: (part) => functionProgram(tape, entry, part),
  };
}

/** Number of keys in a segment's mask. */
export const keysOf = (tape: Tape, plan: Plan, segment: Segment): number =>
  maskWidth(shapeOf(tape, plan, segment));

function shapeOf(tape: Tape, { columns }: Plan, segment: Segment): SegmentShape {
  const { positions, from, writes, watched, rowPositions } = segment;
  // In a chain of single positions (latents) each is told its column, so that one program serves them all.
  const told = positions === 1 && writes && segment.after !== undefined;
  const specs = segment.adapters.map((name) => [name, tape.parameters.adapters[name] as AdapterSpec]);
  return {
    ...{ positions, columns, writes, watched },
    batch: tape.batch,
    from: told ? 'told' : from,
    rowPositions: rowPositions !== undefined,
    adapters: Object.fromEntries(specs),
  };
}

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
  const kept: Tensor[][] = [];
  const values = inputs.map((value, i) => {
    const own: Tensor[] = [];
    kept.push(own);
    const input = (shape: readonly number[]): Tensor => {
      own.push(graph.input(inputName(i, own.length), shape));
      return own.at(-1) as Tensor;
    };
    if (value.kind === 'computed') return input(value.shape);
    const outputs = readsOf(tape, value).map(({ segment, layer, watched }) => {
      const positions = watched ? segment.watched : Array.from({ length: segment.positions }, (_, p) => p);
      const m = positions.length;
      const rows = o.reshape(input(watched ? [B, m, H] : [B * m, H]), [B * m, H]);
      return { rows: layer === L - 1 ? finalNorm(model, rows) : rows, positions };
    });
    return statesOf(tape, value, outputs);
  });
  const parameter = (name: string): Tensor => graph.input(`parameter.${name}`, parameters.shape(name));
  return {
    ...{ graph, kept, context: { graph, model, parameter } },
    values: values.map((x, i) => (inputs[i]?.detached ? o.stopGradient(x) : x)),
  };
}

/** A part added to the sum so far, which is an input. */
const summed = (name: string, part: Tensor): Tensor => o.add(part.graph.input(name, part.shape), part);

/**
 * Inputs `x{i}.{j}` and `parameter.{name}` → y; in reverse also dy → the cotangents `d{i}.{j}`, and `gradient.{name}`, the
 * parameter's gradient so far (`sum.{name}`) plus this part.
 */
function functionProgram(tape: Tape, entry: FunctionEntry, part: Part): Program {
  const { graph, context, kept, values } = traceInputs(tape, entry.inputs);
  const y = entry.trace(context, values);
  const isLoss = entry.kind === 'loss';
  if (part === 'forward' && !isLoss) return { name: entry.name, outputs: { y } };
  const dy = isLoss
    ? graph.constant(new Float32Array(entry.terms.length).fill(1), y.shape)
    : graph.input('dy', y.shape);
  const read = kept.flatMap((tensors, i) =>
    entry.inputs[i]?.detached ? [] : tensors.map((x, j) => ({ name: cotangentName(i, j), x })),
  );
  const own = entry.parameters.map((name) => context.parameter(name));
  const parts = vjp([y], [dy], [...read.map(({ x }) => x), ...own]);
  const outputs: Record<string, Tensor> = isLoss ? { y } : {};
  for (const { name } of read) outputs[name] = parts.shift() as Tensor;
  for (const name of entry.parameters)
    outputs[`gradient.${name}`] = summed(`sum.${name}`, parts.shift() as Tensor);
  return { name: isLoss ? entry.name : `${entry.name}, in reverse`, outputs };
}

/**
 * One layer's part of a key/value loss: caches `k`, `v` [B, kvHeads, T, d], the layer's `target`, the
 * cotangents of the caches and the term so far → `dK`, `dV`, `term` [1].
 */
function keyValueLossProgram(tape: Tape, entry: KeyValueLossEntry, columns: number): Program {
  const { kvHeads, headDim } = tape.parameters.config;
  const graph = new Graph();
  const cache = [tape.batch, kvHeads, columns, headDim];
  const [k, v] = [graph.input('k', cache), graph.input('v', cache)];
  const { from, to } = entry.range;
  const target = graph.input('target', entry.target.shape.slice(1));
  const term = o.reshape(entry.trace(o.slice(k, 2, from, to), o.slice(v, 2, from, to), target), [1]);
  const [dK, dV] = vjp([term], [graph.constant(new Float32Array([1]), [1])], [k, v]) as [Tensor, Tensor];
  const outputs = { term: summed('sum', term), dK: summed('sumK', dK), dV: summed('sumV', dV) };
  return { name: `loss ${entry.terms}`, outputs };
}

/** x [B·P, H] plus the vectors of its `positions` [B, P] → y. */
export function placedProgram({ batch, parameters: { config } }: Tape, P: number): Program {
  const graph = new Graph();
  const x = graph.input('x', [batch * P, config.hiddenSize]);
  const y = atPositions(outerModel(graph, config), x, graph.input('positions', [batch, P]));
  return { name: `positions of ${P}`, outputs: { y } };
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
