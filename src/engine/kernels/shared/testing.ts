import { Rng } from '../../base/rng';

/** What the kernels' tests share. */
export { relativeError, unpackF32 } from './golden';

/** Standard normal float32 values, off-centre by `offset`. */
export function randomF32(length: number, seed: number, offset = 0): Float32Array<ArrayBuffer> {
  const rng = new Rng(seed);
  return Float32Array.from({ length }, () => rng.normal() + offset);
}

/** Whether two tensors agree to the bit, including NaN payloads; for large ones, for which `toEqual` takes seconds. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [x, y] = [a, b].map((t) => new Uint32Array(t.buffer, t.byteOffset, t.length)) as [
    Uint32Array,
    Uint32Array,
  ];
  return x.length === y.length && x.every((bits, i) => bits === y[i]);
}

/** Both the golden values and the twin's results are rounded to float32: 6e-8 each. */
export const TWIN_TOLERANCE = 3e-7;
