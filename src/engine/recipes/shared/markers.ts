import * as o from '../../graph/ops';
import type { ModuleParameter } from '../../train/parameters';
import type { Computed } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';

/** Learned embeddings of tokens that mark where latents begin and end: rows of one trained parameter. */
export const MARKERS = 'markers';

export const markerParameter = (count: number, hidden: number): ModuleParameter => ({
  name: MARKERS,
  shape: [count, hidden],
  initial: (rng) => Float32Array.from({ length: count * hidden }, () => 0.02 * rng.normal()),
});

/** The same rows of the parameter for every sample: [B·n, H]. */
export function markerEmbeddings(tape: Tape, rows: readonly number[]): Computed {
  const B = tape.batch;
  const { hiddenSize: H } = tape.parameters.config;
  const shape = [B * rows.length, H];
  return tape.compute(
    `markers ${rows}`,
    shape,
    [],
    ({ graph, parameter }) => {
      const table = parameter(MARKERS);
      const chosen = o.concat(
        rows.map((row) => o.slice(table, 0, row, row + 1)),
        0,
      );
      const ones = graph.constant(new Float32Array(B).fill(1), [B, 1, 1], 'f32');
      return o.reshape(o.mul(ones, o.reshape(chosen, [1, rows.length, H])), shape);
    },
    [MARKERS],
  );
}
