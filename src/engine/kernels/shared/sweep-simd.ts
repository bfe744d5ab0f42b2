/**
 * The inner loop of a Householder tridiagonalisation in WebAssembly, on four rows at a time. All sums are made in the order of its
 * TypeScript twin (`twoRows` in tridiagonal.ts), with the same roundings, so that both give the same bits.
 */
import {
  add,
  constant,
  end as endOf,
  F64_BYTES,
  get,
  instanceOf,
  intoLane,
  lane,
  lessI32,
  load,
  loadF64,
  loop,
  minus,
  moduleOf,
  multiply,
  plus,
  plusF64,
  set,
  splat,
  store,
  storeF64,
  V128,
  zeros,
} from './wasm-bytes';

/** The matrix while it is reduced, two rows beside each other, and what its rows and columns are multiplied by. */
export interface Rows {
  /** Element j of row i at 2n·(i >> 1) + 2j + (i & 1). */
  readonly pairs: Float64Array;
  /** [n, 4]: of each column the old u and q, u, and the product p = A u so far. */
  readonly columns: Float64Array;
  /**
   * For rows `row` … `row` + 3 and the columns before them: A −= u_old q_oldᵀ + q_old u_oldᵀ, and p += Aᵀ u; returns the sums A u of
   * each row, valid until the next call. Without it two rows are done at a time.
   */
  readonly four?: (row: number) => Float64Array;
}

/** Of the four rows: what the function writes. */
const SUMS = 4;

/** Rows of an n × n matrix in memory of their own; the caller drops them after use. */
export function simdRows(n: number): Rows {
  const [matrix, columns] = [Math.ceil(n / 2) * 2 * n, 4 * n];
  const { buffer, run } = instanceOf(compiled(), (matrix + columns + SUMS) * F64_BYTES);
  const at = matrix * F64_BYTES;
  const sums = new Float64Array(buffer, at + columns * F64_BYTES, SUMS);
  return {
    pairs: new Float64Array(buffer, 0, matrix),
    columns: new Float64Array(buffer, at, columns),
    four(row) {
      const rows = row * n * F64_BYTES;
      run(rows, rows + 2 * n * F64_BYTES, at, at + 4 * row * F64_BYTES, sums.byteOffset);
      return sums;
    },
  };
}

let made: WebAssembly.Module | undefined;
function compiled(): WebAssembly.Module {
  made ??= moduleOf(5, [[15, V128]], body());
  return made;
}

/** Parameters: two pairs of rows, the columns and where they end (which is where those of the rows' own numbers are), the sums. */
const [first, second, column, end, out] = [0, 1, 2, 3, 4] as const;
/** By pair: uOld, qOld and u of its rows, sums, products, and the new elements; of the column: uOld, qOld and u. */
const uRow = [5, 6] as const;
const qRow = [7, 8] as const;
const wRow = [9, 10] as const;
const sum = [11, 12] as const;
const fresh = [13, 14] as const;
const product = [15, 16] as const;
const [uColumn, qColumn, wColumn] = [17, 18, 19] as const;
const times = (a: number, b: number): number[] => [...get(a), ...get(b), ...multiply];

/** a −= u_row·q_column + q_row·u_column; sum += a·w_column; product = a·w_row */
const pairOf = (which: 0 | 1): number[] => {
  const rows = which === 0 ? first : second;
  return [
    ...load(rows, 0),
    ...[...times(uRow[which], qColumn), ...minus],
    ...[...times(qRow[which], uColumn), ...minus],
    ...set(fresh[which]),
    ...[...get(rows), ...get(fresh[which]), ...store(0)],
    ...[...get(sum[which]), ...times(fresh[which], wColumn), ...plus, ...set(sum[which])],
    ...[...times(fresh[which], wRow[which]), ...set(product[which])],
  ];
};

/** Part `part` of two rows that follow each other among the columns. */
const ofRows = (which: 0 | 1, part: 0 | 1 | 2): number[] => [
  ...get(end),
  ...splat(end, 64 * which + 8 * part),
  ...intoLane(1, 64 * which + 32 + 8 * part),
];

/** `f(first, second, columns, end, out)` */
function body(): number[] {
  const both = [0, 1] as const;
  const each = [
    ...[...splat(column, 0), ...set(uColumn)],
    ...[...splat(column, 8), ...set(qColumn)],
    ...[...splat(column, 16), ...set(wColumn)],
    ...both.flatMap(pairOf),
    ...get(column),
    ...loadF64(column, 24),
    ...both.flatMap((which) => both.flatMap((i) => [...get(product[which]), ...lane(i), ...plusF64])),
    ...storeF64(24),
    ...add(first, constant(2 * F64_BYTES)),
    ...add(second, constant(2 * F64_BYTES)),
    ...add(column, constant(4 * F64_BYTES)),
    ...get(column),
    ...get(end),
    ...lessI32,
  ];
  return [
    ...both.flatMap((which) => [
      ...[...ofRows(which, 0), ...set(uRow[which])],
      ...[...ofRows(which, 1), ...set(qRow[which])],
      ...[...ofRows(which, 2), ...set(wRow[which])],
      ...[...zeros, ...set(sum[which])],
    ]),
    ...loop(each),
    ...both.flatMap((which) => [...get(out), ...get(sum[which]), ...store(16 * which)]),
    ...endOf,
  ];
}
