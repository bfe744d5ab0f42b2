/** The few parts of WebAssembly's binary format that our inner loops need: instructions as bytes, and a module of one function. */

export const I32 = 0x7f;
export const V128 = 0x7b;
export const F64_BYTES = Float64Array.BYTES_PER_ELEMENT;
const PAGE_BYTES = 2 ** 16;
const NOTHING = 0x40;

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
/** Sets a local and leaves its value. */
export const tee = (local: number): number[] => [0x22, local];
/** A small constant: one byte of LEB128 up to 63, two above. */
export const constant = (n: number): number[] => (n < 64 ? [0x41, n] : [0x41, (n & 0x7f) | 0x80, n >> 7]);
/** local += by */
export const add = (local: number, by: readonly number[]): number[] => [
  ...get(local),
  ...by,
  ...plusI32,
  ...set(local),
];
export const plusI32 = [0x6a];
export const minusI32 = [0x6b];
export const lessI32 = [0x49];
/** Two doubles at an address. */
export const load = (local: number, offset: number): number[] => [
  ...get(local),
  ...[0xfd, 0x00, 3],
  ...leb(offset),
];
/** One double at an address, twice. */
export const splat = (local: number, offset: number): number[] => [
  ...get(local),
  ...[0xfd, 0x0a, 3],
  ...leb(offset),
];
/** Stores two doubles; address and value are on the stack. */
export const store = (offset: number): number[] => [0xfd, 0x0b, 3, ...leb(offset)];
export const loadF64 = (local: number, offset: number): number[] => [
  ...get(local),
  ...[0x2b, 3],
  ...leb(offset),
];
export const storeF64 = (offset: number): number[] => [0x39, 3, ...leb(offset)];
export const lane = (which: 0 | 1): number[] => [0xfd, 0x21, which];
/** Loads a double into one of two; address and vector are on the stack. */
export const intoLane = (which: 0 | 1, offset: number): number[] => [0xfd, 0x57, 3, ...leb(offset), which];
export const zeros = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
export const multiply = [0xfd, 0xf2, 0x01];
export const plus = [0xfd, 0xf0, 0x01];
export const minus = [0xfd, 0xf1, 0x01];
export const plusF64 = [0xa0];
/** Goes on while what the body leaves is not 0. */
export const loop = (body: readonly number[]): number[] => [0x03, NOTHING, ...body, 0x0d, 0, 0x0b];
export const end = [0x0b];

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 0x7f) | 0x80, ...leb(n >> 7)]);

/** One function `f` of integers over the imported memory `m.m`. @param locals numbers of further locals, and their types */
export function moduleOf(
  parameters: number,
  locals: readonly (readonly [number, number])[],
  body: readonly number[],
): WebAssembly.Module {
  const code = [locals.length, ...locals.flat(), ...body];
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...leb(content.length),
    ...content,
  ];
  const name = (text: string): number[] => [text.length, ...Array.from(text, (c) => c.charCodeAt(0))];
  return new WebAssembly.Module(
    Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, 0x60, parameters, ...new Array<number>(parameters).fill(I32), 0]),
      ...section(2, [1, ...name('m'), ...name('m'), 0x02, 0x00, 1]),
      ...section(3, [1, 0]),
      ...section(7, [1, ...name('f'), 0x00, 0]),
      ...section(10, [1, ...leb(code.length), ...code]),
    ]),
  );
}

/** A function of such a module over memory of so many bytes. */
export function instanceOf(module: WebAssembly.Module, bytes: number) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  const { exports } = new WebAssembly.Instance(module, { m: { m: memory } });
  return { buffer: memory.buffer, run: exports.f as (...integers: number[]) => void };
}
