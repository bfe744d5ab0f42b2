/**
 * The inner loop of a Gram matrix in WebAssembly, two products at a time. Every sum is made in the order of its TypeScript
 * twin (`addPanel` in gram.ts), with the same roundings, so that both give the same bits.
 */

/** Rows of a micro-panel: a block of sums is 4 × 4. */
export const BLOCK = 4;
const F64 = Float64Array.BYTES_PER_ELEMENT;
const BLOCK_BYTES = BLOCK * BLOCK * F64;
const PAGE = 2 ** 16;

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
  const bytes = panelLength * F64 + blocks * BLOCK_BYTES;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  const { exports } = new WebAssembly.Instance(compiled(), { m: { m: memory } });
  const run = exports.f as (rows: number, from: number, blocks: number, out: number, bytes: number) => void;
  const out = panelLength * F64;
  const view = new Float64Array(memory.buffer, out, (blocks * BLOCK_BYTES) / F64);
  return {
    panel: new Float64Array(memory.buffer, 0, panelLength),
    sums(block, width) {
      const stride = width * BLOCK * F64;
      run(block * stride, 0, block + 1, out, stride);
      return view.subarray(0, (block + 1) * BLOCK * BLOCK);
    },
  };
}

let made: WebAssembly.Module | undefined;
function compiled(): WebAssembly.Module {
  made ??= new WebAssembly.Module(moduleBytes());
  return made;
}

const I32 = 0x7f;
const V128 = 0x7b;
const NOTHING = 0x40;

/** Locals: five parameters, then the place in the rows, where they end, two vectors of the other panel, eight sums. */
const [rows, from, left, out, stride, at, end, b0, b1, first] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
/** A small constant: one byte of LEB128 up to 63, two above. */
const constant = (n: number): number[] => (n < 64 ? [0x41, n] : [0x41, (n & 0x7f) | 0x80, n >> 7]);
const add = (local: number, by: readonly number[]): number[] => [...get(local), ...by, 0x6a, ...set(local)];
const load = (local: number, offset: number): number[] => [...get(local), 0xfd, 0x00, 3, offset];
const splat = (local: number, offset: number): number[] => [...get(local), 0xfd, 0x0a, 3, offset];
const zero = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const multiply = [0xfd, 0xf2, 0x01];
const plus = [0xfd, 0xf0, 0x01];
const loop = (body: readonly number[]): number[] => [0x03, NOTHING, ...body, 0x0d, 0, 0x0b];

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
    ...add(at, constant(BLOCK * F64)),
    ...add(from, constant(BLOCK * F64)),
    ...get(at),
    ...get(end),
    0x49,
  ];
  return [
    ...get(rows),
    ...get(stride),
    0x6a,
    ...set(end),
    ...loop([
      ...sums.flatMap((sum) => [...zero, ...set(sum)]),
      ...get(rows),
      ...set(at),
      ...loop(column),
      ...sums.flatMap((sum, i) => [...get(out), ...get(sum), 0xfd, 0x0b, 3, 16 * i]),
      ...add(out, constant(BLOCK_BYTES)),
      ...get(left),
      ...constant(1),
      0x6b,
      0x22,
      left,
    ]),
    0x0b,
  ];
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const code = [3, 2, I32, 2, V128, 8, V128, ...body()];
  const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 0x7f) | 0x80, ...leb(n >> 7)]);
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...leb(content.length),
    ...content,
  ];
  const name = (text: string): number[] => [text.length, ...Array.from(text, (c) => c.charCodeAt(0))];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
    ...section(2, [1, ...name('m'), ...name('m'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('f'), 0x00, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}
