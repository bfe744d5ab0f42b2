import type { Mode, Shape3, Tucker } from './tucker';

/** The definitions, index by index, as the reference for tests of the decomposition. */

const at = ([, b, c]: Shape3, [i, j, k]: readonly number[]): number =>
  ((i as number) * b + (j as number)) * c + (k as number);

function* indices([a, b, c]: Shape3): Generator<[number, number, number]> {
  for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) for (let k = 0; k < c; k++) yield [i, j, k];
}

/** The mode-n unfolding [n, rest]: the remaining modes keep their order, the last varies fastest. */
export function unfold(x: Float32Array, shape: Shape3, mode: Mode): Float32Array<ArrayBuffer> {
  const out = new Float32Array(x.length);
  const rest = x.length / shape[mode];
  const filled = new Array<number>(shape[mode]).fill(0);
  for (const index of indices(shape)) {
    const row = index[mode];
    out[row * rest + (filled[row] as number)] = x[at(shape, index)] as number;
    filled[row] = (filled[row] as number) + 1;
  }
  return out;
}

/** X ×ₙ U for U [n, r], where X has size r in that mode. */
export function expand(x: Float32Array, shape: Shape3, mode: Mode, u: Float32Array, n: number) {
  const r = shape[mode];
  const wide = shape.map((size, m) => (m === mode ? n : size)) as unknown as Shape3;
  const data = new Float32Array(wide.reduce((a, b) => a * b, 1));
  for (const index of indices(wide)) {
    let sum = 0;
    for (let c = 0; c < r; c++) {
      const from = index.map((i, m) => (m === mode ? c : i));
      sum += (u[index[mode] * r + c] as number) * (x[at(shape, from)] as number);
    }
    data[at(wide, index)] = sum;
  }
  return { data, shape: wide };
}

/** X̂ = core ×₁ U₀ ×₂ U₁ ×₃ U₂. */
export function reconstruct(t: Tucker, shape: Shape3, ranks: Shape3): Float32Array<ArrayBuffer> {
  let part = { data: t.core, shape: ranks };
  for (const mode of [0, 1, 2] as const)
    part = expand(part.data, part.shape, mode, t.factors[mode], shape[mode]);
  return part.data;
}
