/** Reads stored float64 results and compares them with what a kernel computes. */

/** Largest error of a kernel's tensor against float64, relative to the tensor's largest magnitude. */
export const KERNEL_TOLERANCE = 1e-5;

/** Little-endian float32 from base64, as the golden files store it. */
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
