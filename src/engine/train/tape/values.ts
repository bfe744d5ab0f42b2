import type { Graph, Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { KeyValues } from '../../nn/layer';
import type { Fed, FunctionEntry, KeyValueLossEntry, KeyValueRange, States, Track, Value } from './entries';
import type { Tape } from './tape';

/** The output of one layer of a segment, from which hidden states are read. */
export interface Read extends Track {
  readonly layer: number;
  /** Whether the segment's watched positions, which it outputs separately, suffice. */
  readonly watched: boolean;
}

/** What hidden states are read from: track by track, layer by layer. */
export function readsOf({ parameters }: Tape, { layers, tracks }: States): Read[] {
  const L = parameters.config.layers;
  const all = Array.from({ length: L }, (_, layer) => layer);
  return tracks.flatMap(({ segment, positions }) =>
    (layers === 'all' ? all : [L - 1]).map((layer) => ({
      ...{ segment, layer, positions },
      watched: segment.separates && (layers === 'all' || positions.length === 1),
    })),
  );
}

/** How a back end traces what values are read from. */
export interface Sources {
  result(entry: FunctionEntry): Tensor;
  fed(input: Fed): Tensor;
  /** A layer's output [B·m, H] at m positions of its segment; that of the last layer after the final norm. */
  output(read: Read): { readonly rows: Tensor; readonly positions: readonly number[] };
}

/** A value as one tensor in its own shape. */
export function valueOf(tape: Tape, value: Value, { result, fed, output }: Sources): Tensor {
  if (value.kind === 'fed') return fed(value);
  const x = value.kind === 'computed' ? result(value.entry) : statesOf(tape, value, output);
  return value.detached ? o.stopGradient(x) : x;
}

function statesOf(tape: Tape, states: States, output: Sources['output']): Tensor {
  const { batch: B, parameters } = tape;
  const H = parameters.config.hiddenSize;
  const parts = readsOf(tape, states).map((read) => {
    const { rows, positions } = output(read);
    const chosen = read.positions.map((p) => positions.indexOf(p));
    const at = columnsOf(o.reshape(rows, [B, positions.length, H]), chosen);
    return o.reshape(at, [B, chosen.length, 1, H]);
  });
  const each = parts.length / states.tracks.length;
  const joined = states.tracks.map((_, t) => o.concat(parts.slice(t * each, (t + 1) * each), 2));
  return o.reshape(o.concat(joined, 1), states.shape);
}

/** Columns of [B, m, H]. */
function columnsOf(x: Tensor, columns: readonly number[]): Tensor {
  const from = columns[0] as number;
  if (columns.every((column, i) => column === from + i)) return o.slice(x, 1, from, from + columns.length);
  const each = columns.map((column) => o.slice(x, 1, column, column + 1));
  return o.concat(each, 1);
}

/** What one layer's part of a key/value loss is traced from: keys and values of all columns, and attention weights, of a segment. */
export interface LayerSources {
  readonly own: KeyValues;
  readonly teacher: KeyValues & { readonly attention: Tensor };
}

/** One layer's part of a key/value loss, [1]. */
export function keyValueTerm(
  graph: Graph,
  { own, teacher, inputs, trace }: KeyValueLossEntry,
  from: LayerSources,
): Tensor {
  const columns = (x: Tensor, { from: first, to }: KeyValueRange, axis = 2) => o.slice(x, axis, first, to);
  const fixed = (x: Tensor, axis?: number) => o.stopGradient(columns(x, teacher, axis));
  const { k, v, attention } = from.teacher;
  const term = trace({
    graph,
    own: { k: columns(from.own.k, own), v: columns(from.own.v, own) },
    teacher: { k: fixed(k), v: fixed(v), attention: fixed(attention, 3) },
    inputs: inputs.map(({ name, shape }) => graph.input(name, shape)),
  });
  return o.reshape(term, [1]);
}
