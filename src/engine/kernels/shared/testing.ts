import { Rng } from '../../base/rng';

/** What the kernels' tests share. */

/** Standard normal float32 values, off-centre by `offset`. */
export function randomF32(length: number, seed: number, offset = 0): Float32Array<ArrayBuffer> {
  const rng = new Rng(seed);
  return Float32Array.from({ length }, () => rng.normal() + offset);
}

/** Little-endian float32 from base64, as the goldens hold it. */
export function unpackF32(text: string): Float32Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** max |got − want| / max |want|: the error of a tensor relative to its size. NaN anywhere gives Infinity. */
export function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Infinity;
  let error = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    const e = Math.abs((got[i] as number) - (want[i] as number));
    if (!(e < Infinity)) return Infinity;
    error = Math.max(error, e);
    size = Math.max(size, Math.abs(want[i] as number));
  }
  return size === 0 ? error : error / size;
}

/** The golden is rounded to float32 and so is the twin's answer: 6e-8 each. */
export const TWIN_TOLERANCE = 3e-7;
