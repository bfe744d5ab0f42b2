import { Graph, liveNodes, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { AdapterSpec } from '../../nn/attachments';
import { BASE, NO_PARAMETERS, type ParameterSpecs, parameterInput } from '../../nn/parameters';
import { layerPrograms, maskWidth, type SegmentShape } from '../../nn/programs/layer';
import { fed, type Leaves, leaf, ones, reverseOutputs, summed } from '../../nn/programs/reverse';
import { finalNorm, outerModel } from '../../nn/stack';
import type { Entry, FunctionEntry, KeyValueLossEntry, Segment, TraceContext, Value } from '../tape/entries';
import type { Tape } from '../tape/tape';
import { keyValueTerm, readsOf, valueOf } from '../tape/values';
import type { Owner, Plan } from './plan';

/** A tensor that readers find through its owner. */
export interface Kept {
  readonly owner: Owner;
  /** Which of the owner's tensors it is. */
  readonly slot: string;
}

/** What a function computed, or a key/value loss's term. */
export const result = (owner: Entry): Kept => ({ owner, slot: 'y' });

/** The output of a segment's layer before the final norm: [B·P, H], or [B, w, H] at only its watched positions. */
export const layerOutput = (owner: Segment, layer: number, watched: boolean): Kept => ({
  owner,
  slot: `${layer}${watched ? ' watched' : ''}`,
});

/** Keys and values of one layer [B, kvHeads, T, d] of a branch, or a segment's cotangents of them. */
export const cacheOf = (owner: Owner, layer: number) => ({
  k: { owner, slot: `k ${layer}` },
  v: { owner, slot: `v ${layer}` },
});

/** Attention weights of a segment's layer, [B, heads, P, T]. */
export const attentionOf = (owner: Segment, layer: number): Kept => ({ owner, slot: `attention ${layer}` });

/** The sum so far of a tensor's cotangent, or of a parameter's gradient. */
export const sumOf = ({ owner, slot }: Kept): Kept => ({ owner, slot: `sum of ${slot}` });

/** The tensors that a program reads for a value. */
export function keptOf(tape: Tape, value: Value): Kept[] {
  if (value.kind === 'fed') return [];
  if (value.kind === 'computed') return [result(value.entry)];
  return readsOf(tape, value).map(({ segment, layer, watched }) => layerOutput(segment, layer, watched));
}

export const inputName = (i: number, j: number): string => `x${i}.${j}`;
export const cotangentName = (i: number, j: number): string => `d${i}.${j}`;

/** Part of an entry that is a program; a loss runs forward and in reverse at once. */
export type Part = 'forward' | 'reverse';

/** The programs of an entry. Entries with the same key share them. */
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
  const { positions, from, writes, attends, watched, rowPositions } = segment;
  // In a chain of single positions (latents) each gets its column as an input, so that one program serves
  // them all.
  const told = positions === 1 && writes && segment.after !== undefined;
  const specs = segment.adapters.map((name) => [name, tape.parameters.adapters[name] as AdapterSpec]);
  return {
    ...{ positions, columns, writes, attends, watched },
    batch: tape.batch,
    from: told ? 'told' : from,
    rowPositions: rowPositions !== undefined,
    trainsWeights: tape.parameters.weights !== undefined,
    adapters: Object.fromEntries(specs),
  };
}

/** Values as a function takes them; and what they are read from, if gradients flow through it, by its cotangent's name. */
function traceInputs(tape: Tape, inputs: readonly Value[]) {
  const { batch: B, parameters } = tape;
  const { layers: L, hiddenSize: H } = parameters.config;
  const graph = new Graph();
  const model = outerModel(graph, parameters.config, weightsOf(tape));
  const cotangents: Record<string, Leaves> = {};
  const values = inputs.map((value, i) => {
    let j = 0;
    const input = (shape: readonly number[]): Tensor => {
      const x = graph.input(inputName(i, j), shape);
      if (!value.detached) cotangents[cotangentName(i, j)] = leaf(x);
      j++;
      return x;
    };
    return valueOf(tape, value, {
      result: ({ shape }) => input(shape),
      fed: ({ shape }) => input(shape),
      output: ({ segment, layer, watched }) => {
        const positions = watched ? segment.watched : segment.all;
        const m = positions.length;
        const rows = o.reshape(input(watched ? [B, m, H] : [B * m, H]), [B * m, H]);
        return { rows: layer === L - 1 ? finalNorm(model, rows) : rows, positions };
      },
    });
  });
  const parameter = (name: string): Tensor => graph.input(`parameter.${name}`, parameters.shape(name));
  const context: TraceContext = { graph, model, parameter };
  return { values, cotangents, context };
}

/**
 * Inputs `x{i}.{j}` and `parameter.{name}` → y; in reverse also dy → the cotangents `d{i}.{j}`, and the parameters' gradients
 * as sums.
 */
function functionProgram(tape: Tape, entry: FunctionEntry, part: Part): Program {
  const { context, cotangents, values } = traceInputs(tape, entry.inputs);
  const y = entry.trace(context, values);
  const isLoss = entry.kind === 'loss';
  if (part === 'forward' && !isLoss) return { name: entry.name, outputs: { y } };
  const end = isLoss ? ones(y) : fed('dy', y);
  const read = [...entry.parameters, ...weightsRead(tape, y)];
  const gradients = read.map((name) => [parameterInput(name), leaf(context.parameter(name))]);
  const outputs = reverseOutputs([end], cotangents, Object.fromEntries(gradients));
  if (isLoss) return { name: entry.name, outputs: { y, ...outputs } };
  return { name: `${entry.name}, in reverse`, outputs };
}

/**
 * One layer's part of a key/value loss: caches `k`, `v` [B, kvHeads, T, d], and for the other columns the
 * caches `teacherK`, `teacherV` with the `attention` of their segment → sums of `k`, `v`, `y` [1].
 */
function keyValueLossProgram(tape: Tape, entry: KeyValueLossEntry, columns: number): Program {
  const { kvHeads, headDim, heads } = tape.parameters.config;
  const graph = new Graph();
  const cache = (name: string): Tensor => graph.input(name, [tape.batch, kvHeads, columns, headDim]);
  const { positions, end } = entry.teacher.segment;
  const attention = graph.input('attention', [tape.batch, heads, positions, end]);
  const own = { k: cache('k'), v: cache('v') };
  const teacher = { k: cache('teacherK'), v: cache('teacherV'), attention };
  const y = keyValueTerm(graph, entry, { own, teacher });
  const outputs = { ...summed('y', y), ...reverseOutputs([ones(y)], {}, { k: leaf(own.k), v: leaf(own.v) }) };
  return { name: `loss ${entry.terms}`, outputs };
}

const weightsOf = ({ parameters: { weights } }: Tape): ParameterSpecs => ({ ...NO_PARAMETERS, weights });

/** Names of the trained weights that a value is computed from. */
function weightsRead(tape: Tape, y: Tensor): string[] {
  if (!tape.parameters.weights) return [];
  const prefix = parameterInput(BASE);
  return liveNodes([y]).flatMap(({ op, name = '' }) =>
    op === 'input' && name.startsWith(prefix) ? [BASE + name.slice(prefix.length)] : [],
  );
}

/** Whether a function is computed from trained weights. */
export function readsWeights(tape: Tape, entry: FunctionEntry): boolean {
  if (!tape.parameters.weights) return false;
  const { context, values } = traceInputs(tape, entry.inputs);
  return weightsRead(tape, entry.trace(context, values)).length > 0;
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
