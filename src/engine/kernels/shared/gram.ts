import { BLOCK, panelSums } from './gram-simd';

/** Depth of a panel: n rows of 256 doubles stay in the second-level cache for n up to a few hundred. */
const PANEL = 256;

/**
 * Adds A Aᵀ to `out` (n × n, float64, row-major, lower triangle only), where A[i, k] = data[offset + i·strideN +
 * k·strideD], i < n, k < depth. Strides let one routine serve rows, columns and tensor unfoldings without copying
 * the whole matrix. `scale` multiplies every element first (a power of two costs no accuracy).
 *
 * A float64 Gram matrix of float32 data loses singular values below about 1e-8·σ₁; the data itself resolves only 6e-8·σ₁.
 * In float32 the same trick would lose everything below 3e-4·σ₁ and must not be used.
 *
 * In pieces of a few milliseconds; yields the share done.
 */
export function* gramSteps(
  out: Float64Array,
  data: Float32Array,
  offset: number,
  n: number,
  depth: number,
  strideN: number,
  strideD: number,
  scale = 1,
): Generator<number, void> {
  const most = Math.min(PANEL, depth);
  // Both ways give the same bits; WebAssembly is four times faster, and pays off beyond a few blocks.
  const panel = n < MIN_BLOCKS * BLOCK ? plainPanel(n, most) : blockedPanel(n, most);
  for (let k0 = 0; k0 < depth; k0 += PANEL) {
    const width = Math.min(PANEL, depth - k0);
    panel.fill(data, offset + k0 * strideD, width, strideN, strideD, scale);
    for (let row = 0; row < n; ) {
      // A multiple of 4 rows, and the more the shorter they are.
      const end = Math.min(n, row + Math.max(4, Math.floor(panel.pace / (row + 256)) * 4));
      panel.add(out, width, row, end);
      row = end;
      yield (k0 + width * (row / n) ** 2) / depth;
    }
  }
}

/** Smallest number of blocks for which WebAssembly is used. */
const MIN_BLOCKS = 8;

/** n rows of some columns of the data. */
interface Panel {
  fill(
    data: Float32Array,
    from: number,
    width: number,
    strideN: number,
    strideD: number,
    scale: number,
  ): void;
  /** Adds the sums of rows `row` … `end`, where `row` is a multiple of 4. */
  add(out: Float64Array, width: number, row: number, end: number): void;
  /** Rows times columns between two yields. */
  readonly pace: number;
}

export function plainPanel(n: number, depth: number): Panel {
  const panel = new Float64Array(n * depth);
  return {
    pace: 2 ** 15,
    fill(data, from, width, strideN, strideD, scale) {
      for (let i = 0; i < n; i++)
        for (let k = 0; k < width; k++)
          panel[i * width + k] = (data[from + i * strideN + k * strideD] as number) * scale;
    },
    add: (out, width, row, end) => addPanel(out, panel, n, width, row, end),
  };
}

export function blockedPanel(n: number, depth: number): Panel {
  const { panel, sums } = panelSums(n, depth);
  return {
    pace: 2 ** 17,
    fill(data, from, width, strideN, strideD, scale) {
      // Rows up to the next multiple of 4 stay as they are; their sums are not added.
      for (let k = 0; k < width; k++) {
        const at = from + k * strideD;
        for (let i = 0; i < n; i++)
          panel[(i >> 2) * BLOCK * width + BLOCK * k + (i & 3)] = (data[at + i * strideN] as number) * scale;
      }
    },
    add(out, width, row, end) {
      for (let i = row; i < end; i += BLOCK) addSums(out, sums(i / BLOCK, width), n, i);
    },
  };
}

/** Adds four rows of sums by blocks [·, 4, 4] up to the diagonal. */
function addSums(out: Float64Array, sums: Float64Array, n: number, row: number): void {
  const last = Math.min(BLOCK, n - row);
  for (let r = 0; r < last; r++) {
    const at = (row + r) * n;
    for (let j = 0; j <= row + r; j++)
      out[at + j] =
        (out[at + j] as number) + (sums[(j >> 2) * BLOCK * BLOCK + r * BLOCK + (j & 3)] as number);
  }
}

/** out += P Pᵀ, rows `row` … `end` of the lower triangle, in blocks of 4 × 2 so that each element loaded is used several times. */
function addPanel(out: Float64Array, p: Float64Array, n: number, w: number, row: number, end: number): void {
  let i = row;
  for (; i + 4 <= end; i += 4) {
    const i0 = i * w;
    const i1 = i0 + w;
    const i2 = i1 + w;
    const i3 = i2 + w;
    for (let j = 0; j < i + 4; j += 2) {
      const j0 = j * w;
      const j1 = j0 + w;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      let s20 = 0;
      let s21 = 0;
      let s30 = 0;
      let s31 = 0;
      for (let k = 0; k < w; k++) {
        const b0 = p[j0 + k] as number;
        const b1 = p[j1 + k] as number;
        const a0 = p[i0 + k] as number;
        s00 += a0 * b0;
        s01 += a0 * b1;
        const a1 = p[i1 + k] as number;
        s10 += a1 * b0;
        s11 += a1 * b1;
        const a2 = p[i2 + k] as number;
        s20 += a2 * b0;
        s21 += a2 * b1;
        const a3 = p[i3 + k] as number;
        s30 += a3 * b0;
        s31 += a3 * b1;
      }
      const o = i * n + j;
      // The block on the diagonal also writes a few elements above it, which are never read.
      out[o] = (out[o] as number) + s00;
      out[o + 1] = (out[o + 1] as number) + s01;
      out[o + n] = (out[o + n] as number) + s10;
      out[o + n + 1] = (out[o + n + 1] as number) + s11;
      out[o + 2 * n] = (out[o + 2 * n] as number) + s20;
      out[o + 2 * n + 1] = (out[o + 2 * n + 1] as number) + s21;
      out[o + 3 * n] = (out[o + 3 * n] as number) + s30;
      out[o + 3 * n + 1] = (out[o + 3 * n + 1] as number) + s31;
    }
  }
  for (; i < end; i++) {
    for (let j = 0; j <= i; j++) {
      let s = 0;
      for (let k = 0; k < w; k++) s += (p[i * w + k] as number) * (p[j * w + k] as number);
      out[i * n + j] = (out[i * n + j] as number) + s;
    }
  }
}
