import { Rng } from '../base/rng';
import { centreRows, changed, type StackedMatrix } from './stacks';

/** Entries drawn between two opportunities to yield: a few milliseconds. */
const PIECE = 2 ** 17;

/**
 * Each feature's values permuted among the rows of its matrix: every feature keeps its entries and their spread, and any
 * relation between features is destroyed. Seeded, one stream per matrix.
 */
export function shuffled(matrices: readonly StackedMatrix[], hidden: number, seed: number): StackedMatrix[] {
  return matrices.map((matrix) =>
    changed(matrix, (data, label) => shuffleColumns(data, hidden, new Rng(seed).fork(`shuffled ${label}`))),
  );
}

/**
 * Independent normal entries with the shape and root mean square of each matrix (of the centred one if matrices are
 * centred; then these are centred too). Seeded, one stream per matrix.
 */
export function gaussian(
  matrices: readonly StackedMatrix[],
  hidden: number,
  seed: number,
  centre: boolean,
): StackedMatrix[] {
  const drawn = matrices.map((matrix) =>
    changed(matrix, function* (data, label) {
      const size = rootMeanSquare(data);
      const rng = new Rng(seed).fork(`gaussian ${label}`);
      for (let i = 0; i < data.length; i++) {
        data[i] = size * rng.normal();
        if (i % PIECE === PIECE - 1) yield i / data.length;
      }
    }),
  );
  return centre ? drawn.map((matrix) => changed(matrix, centreRows(hidden))) : drawn;
}

/** Fisher–Yates down each column of data [·, columns], in place. */
function* shuffleColumns(data: Float32Array, columns: number, rng: Rng): Generator<number, void> {
  const rows = data.length / columns;
  const piece = Math.ceil(PIECE / columns);
  // Row by row, so that memory is accessed in order; each column still gets its own permutation.
  for (let i = rows - 1; i > 0; i--) {
    for (let c = 0; c < columns; c++) {
      const a = i * columns + c;
      const b = rng.integer(0, i) * columns + c;
      const x = data[a] as number;
      data[a] = data[b] as number;
      data[b] = x;
    }
    if (i % piece === 0) yield 1 - i / rows;
  }
}

function rootMeanSquare(data: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) ** 2;
  return Math.sqrt(sum / data.length);
}
