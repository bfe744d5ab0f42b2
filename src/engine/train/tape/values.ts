import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { FunctionEntry, Segment, States, Value } from './entries';
import type { Tape } from './tape';

/** The output of one layer of a segment, as hidden states are read from it. */
export interface Read {
  readonly segment: Segment;
  readonly layer: number;
  /** Whether the segment's watched positions suffice, which it outputs separately. */
  readonly watched: boolean;
}

/** What hidden states are read from: track by track, layer by layer. */
export function readsOf({ parameters }: Tape, { layers, tracks }: States): Read[] {
  const L = parameters.config.layers;
  const all = Array.from({ length: L }, (_, layer) => layer);
  return tracks.flatMap(({ segment, positions }) =>
    (layers === 'all' ? all : [L - 1]).map((layer) => ({
      ...{ segment, layer },
      watched: segment.separates && (layers === 'all' || positions.length === 1),
    })),
  );
}

/** A layer's output [B·m, H] at m positions of its segment; that of the last layer after the final norm. */
export interface LayerOutput {
  readonly rows: Tensor;
  readonly positions: readonly number[];
}

/** How a back end traces what values are read from. */
export interface Sources {
  result(entry: FunctionEntry): Tensor;
  output(read: Read): LayerOutput;
}

/** A value as one tensor in its own shape. */
export function valueOf(tape: Tape, value: Value, { result, output }: Sources): Tensor {
  const x =
    value.kind === 'computed' ? result(value.entry) : statesOf(tape, value, readsOf(tape, value).map(output));
  return value.detached ? o.stopGradient(x) : x;
}

/** @param outputs one for each of `readsOf` */
function statesOf(
  { batch: B, parameters }: Tape,
  { tracks, shape }: States,
  outputs: readonly LayerOutput[],
): Tensor {
  const H = parameters.config.hiddenSize;
  const each = outputs.length / tracks.length;
  const parts = tracks.map(({ positions }, t) => {
    const layers = outputs.slice(t * each, (t + 1) * each).map(({ rows, positions: given }) => {
      const chosen = positions.map((p) => given.indexOf(p));
      const at = columnsOf(o.reshape(rows, [B, given.length, H]), chosen);
      return o.reshape(at, [B, positions.length, 1, H]);
    });
    return o.concat(layers, 2);
  });
  return o.reshape(o.concat(parts, 1), shape);
}

/** Columns of [B, m, H]. */
function columnsOf(x: Tensor, columns: readonly number[]): Tensor {
  const from = columns[0] as number;
  if (columns.every((column, i) => column === from + i)) return o.slice(x, 1, from, from + columns.length);
  return o.concat(
    columns.map((column) => o.slice(x, 1, column, column + 1)),
    1,
  );
}
