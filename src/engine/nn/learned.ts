import type { Graph, Tensor } from '../graph/graph';
import * as o from '../graph/ops';

/** The chosen rows of learned embeddings [n, H], the same for each of B sequences, one after another: [B·rows, H]. */
export function learnedRows(table: Tensor, rows: readonly number[], batch: number): Tensor {
  const H = table.shape[1] as number;
  const ids = table.graph.constant(Int32Array.from(rows), [rows.length], 'i32');
  const once = o.reshape(o.gather(table, ids), [1, rows.length, H]);
  return o.reshape(o.expand(once, [batch, rows.length, H]), [batch * rows.length, H]);
}

/** One row, chosen at run time by an i32 input [1] of that name: [B, H]. */
export function learnedRow(graph: Graph, table: Tensor, name: string, batch: number): Tensor {
  return o.expand(o.gather(table, graph.input(name, [1], 'i32')), [batch, table.shape[1] as number]);
}
