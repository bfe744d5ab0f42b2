/**
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC11; constants and test vectors of Random123). Element i of a stream is a pure function of the stream's key and i,
 * so that recomputation, resuming in the middle and another order of evaluation give the same bits, and drawing more of
 * one thing never shifts another, and masks and uniforms are the same bits in every browser.
 */
export interface StreamKey {
  /** An integer in [0, 2^53). */
  readonly seed: number;
  /** Training step, position in a text, or whatever else advances; an integer in [0, 2^32), as the next two. */
  readonly step: number;
  readonly layer: number;
  /** What the numbers are for, see `siteId`. */
  readonly site: number;
}

/** Four words of 32 bits from a counter of four and a key of two, written to `out`. */
export function philox4x32(counter: ArrayLike<number>, key: ArrayLike<number>, out: Uint32Array): void {
  let c0 = counter[0] as number;
  let c1 = counter[1] as number;
  let c2 = counter[2] as number;
  let c3 = counter[3] as number;
  let k0 = key[0] as number;
  let k1 = key[1] as number;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd251, 0x1f53, c0);
    const high1 = multiplyHigh(0xcd9e, 0x8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The upper 32 bits of (aHigh·2^16 + aLow)·b: no partial sum reaches 2^32. */
function multiplyHigh(aHigh: number, aLow: number, b: number): number {
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (cross >>> 16);
}

/** A number for the name of what is drawn (FNV-1a, 32 bits), as `site` of a key. */
export function siteId(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** n words of the stream from element `from` on: each uniform over [0, 2^32). @throws RangeError for a bad key or range */
export function words(key: StreamKey, n: number, from = 0): Uint32Array {
  const end = from + n;
  if (!(isWhole(from, 2 ** 34) && isWhole(n, 2 ** 34) && end <= 2 ** 34))
    throw new RangeError(`elements ${from} to ${end} of a random stream; it has 2^34`);
  if (!isWhole(key.seed, 2 ** 53))
    throw new RangeError(`the seed ${key.seed}; expected a whole number of at most 2^53 − 1`);
  for (const part of ['step', 'layer', 'site'] as const)
    if (!isWhole(key[part], 2 ** 32))
      throw new RangeError(`the ${part} ${key[part]} of a random stream; expected a whole number below 2^32`);
  const out = new Uint32Array(n);
  const seed = [key.seed % 2 ** 32, Math.floor(key.seed / 2 ** 32)];
  const counter = [0, key.step, key.layer, key.site];
  const four = new Uint32Array(4);
  for (let i = from; i < end; i++) {
    if (i === from || i % 4 === 0) {
      counter[0] = Math.floor(i / 4);
      philox4x32(counter, seed, four);
    }
    out[i - from] = four[i % 4] as number;
  }
  return out;
}

const isWhole = (x: number, below: number): boolean => Number.isInteger(x) && x >= 0 && x < below;

/** Element `index` of a stream of uniforms in [0, 1) of 53 bits; it uses words 2·index and 2·index + 1. */
export function uniformAt(key: StreamKey, index: number): number {
  const [a, b] = words(key, 2, 2 * index) as Uint32Array & [number, number];
  return ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
}

/** n independent values that are 1 with probability `p` (to 2^-32) and 0 otherwise. @throws RangeError unless 0 ≤ p ≤ 1 */
export function bernoulli(key: StreamKey, p: number, n: number, from = 0): Float32Array<ArrayBuffer> {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`the probability ${p}; expected a number from 0 to 1`);
  const below = p * 2 ** 32;
  const drawn = words(key, n, from);
  // Ten times as fast as `Float32Array.from` with a function.
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) out[i] = (drawn[i] as number) < below ? 1 : 0;
  return out;
}
