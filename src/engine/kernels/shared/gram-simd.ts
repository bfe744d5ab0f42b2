/**
 * The inner loop of a Gram matrix in WebAssembly, two products at a time. Every sum is made in the order of its TypeScript
 * twin (`addPanel` in gram.ts), with the same roundings, so that both give the same bits.
 */
import {
  add,
  constant,
  end as endOf,
  F64_BYTES,
  get,
  I32,
  instanceOf,
  lessI32,
  load,
  loop,
  minusI32,
  moduleOf,
  multiply,
  plus,
  plusI32,
  set,
  splat,
  store,
  tee,
  V128,
  zeros,
} from './wasm-bytes';

/** Rows of a micro-panel: a block of sums is 4 × 4. */
export const BLOCK = 4;
const BLOCK_BYTES = BLOCK * BLOCK * F64_BYTES;

/** A panel of n rows and at most `depth` columns, and the sums of four of its rows with all before them. */
export interface PanelSums {
  /** The panel by micro-panels: element k of row i at (i >> 2)·4·w + 4·k + (i & 3), where w is the panel's width. */
  readonly panel: Float64Array;
  /** [blocks, 4, 4]: sums of the rows 4·block … with those of the micro-panels 0 … block; valid until the next call. */
  sums(block: number, width: number): Float64Array;
}

/** Memory for panels of that size; the caller drops it after use. */
export function panelSums(n: number, depth: number): PanelSums {
  const blocks = Math.ceil(n / BLOCK);
  const panelLength = blocks * BLOCK * depth;
  const { buffer, run } = instanceOf(compiled(), panelLength * F64_BYTES + blocks * BLOCK_BYTES);
  const out = panelLength * F64_BYTES;
  const view = new Float64Array(buffer, out, (blocks * BLOCK_BYTES) / F64_BYTES);
  return {
    panel: new Float64Array(buffer, 0, panelLength),
    sums(block, width) {
      const stride = width * BLOCK * F64_BYTES;
      run(block * stride, 0, block + 1, out, stride);
      return view.subarray(0, (block + 1) * BLOCK * BLOCK);
    },
  };
}

let made: WebAssembly.Module | undefined;
function compiled(): WebAssembly.Module {
  made ??= moduleOf(
    5,
    [
      [2, I32],
      [2 + 8, V128],
    ],
    body(),
  );
  return made;
}

/** Locals: five parameters, then the place in the rows, where they end, two vectors of the other panel, eight sums. */
const [rows, from, left, out, stride, at, end, b0, b1, first] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

/** sum += a·b */
const accumulate = (sum: number, a: readonly number[], b: number): number[] => [
  ...get(sum),
  ...a,
  ...get(b),
  ...multiply,
  ...plus,
  ...set(sum),
];

/** `f(rows, from, blocks, out, stride)`: sums of one micro-panel with `blocks` others, 4 × 4 each. */
function body(): number[] {
  const sums = Array.from({ length: 8 }, (_, i) => first + i);
  const column = [
    ...load(from, 0),
    ...set(b0),
    ...load(from, 16),
    ...set(b1),
    ...[0, 1, 2, 3].flatMap((row) => [
      ...accumulate(first + 2 * row, splat(at, 8 * row), b0),
      ...accumulate(first + 2 * row + 1, splat(at, 8 * row), b1),
    ]),
    ...add(at, constant(BLOCK * F64_BYTES)),
    ...add(from, constant(BLOCK * F64_BYTES)),
    ...get(at),
    ...get(end),
    ...lessI32,
  ];
  return [
    ...[...get(rows), ...get(stride), ...plusI32, ...set(end)],
    ...loop([
      ...sums.flatMap((sum) => [...zeros, ...set(sum)]),
      ...get(rows),
      ...set(at),
      ...loop(column),
      ...sums.flatMap((sum, i) => [...get(out), ...get(sum), ...store(16 * i)]),
      ...add(out, constant(BLOCK_BYTES)),
      ...[...get(left), ...constant(1), ...minusI32, ...tee(left)],
    ]),
    ...endOf,
  ];
}
