import type { Device } from '../../device/device';
import type { SvdShape } from './svd.cpu';

/** Rows of W that a workgroup of `product` takes. */
export const PRODUCT_ROWS = 16;

/** What is stored at once: vectors of each side, and those that a vector is multiplied with. */
export interface StageSize {
  readonly held: number;
  readonly width: number;
  /** Reduction keeps a panel and the bidiagonal; Lanczos its norms and coefficients. */
  readonly kind: 'reduction' | 'lanczos';
}

export const ceil4 = (x: number): number => Math.ceil(x / 4) * 4;

/** Offsets of consecutive parts, aligned to multiples of 4, and the total size. */
function placed<Name extends string>(floats: Readonly<Record<Name, number>>) {
  const at = {} as Record<Name, number>;
  let size = 0;
  for (const name of Object.keys(floats) as Name[]) {
    at[name] = size;
    size += ceil4(floats[name]);
  }
  return { at, size };
}

/** Sizes (floats per matrix) and offsets of large-shape.wgsl. */
export function layout({ rows, cols, r }: SvdShape, { held, width, kind }: StageSize) {
  const p = Math.max(rows, cols);
  const q = Math.min(rows, cols);
  const ldp = ceil4(p);
  const ldq = ceil4(q);
  const chunk = Math.max(64, ceil4(Math.ceil(p / 64)));
  const reduces = kind === 'reduction' ? 1 : 0;
  const inPanel = placed({
    x: reduces * width * ldp,
    y: reduces * width * ldq,
    part: Math.ceil(ldp / chunk) * ldq,
    raw: 16 * ldp,
  });
  const inScalars = placed({
    dots: 4 * width,
    gk: reduces * 2 * q,
    tauL: reduces * q,
    tauR: reduces * q,
    norms: (1 - reduces) * 2 * held,
    coefficients: (1 - reduces) * 2 * r * held,
    ritz: r,
    residuals: r,
  });
  const sizes = {
    a: rows * cols,
    w: ldp * ldq,
    reflectors: held * (ldp + ldq),
    panel: inPanel.size,
    scalars: inScalars.size,
    vectors: Math.max(1, r * Math.max(2 * q, rows) + reduces * (r + 10 * q * r)),
    sigma: q,
    u: Math.max(1, rows * r),
    peaks: 1,
  };
  const fixed = [
    rows,
    cols,
    p,
    q,
    ldp,
    ldq,
    r,
    held,
    width,
    chunk,
    sizes.panel,
    sizes.scalars,
    sizes.vectors,
  ];
  fixed.push(...Object.values(inPanel.at), ...Object.values(inScalars.at));
  return { p, q, ldp, ldq, chunk, sizes, scalars: inScalars.at, fixed };
}
export type Sizes = ReturnType<typeof layout>['sizes'];
export type Name = keyof Sizes;

/** Number of matrices of this shape that the device takes at once in at most `bytes`; 0 if not even one fits. */
export function stageRoom(device: Device, shape: SvdShape, size: StageSize, bytes: number): number {
  const { ldp, sizes } = layout(shape, size);
  if (ldp > PRODUCT_ROWS * 65535) return 0;
  const all = Object.values(sizes);
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const fits = Math.floor(limit / (4 * Math.max(...all)));
  const wanted = Math.max(1, Math.floor(bytes / (4 * all.reduce((a, b) => a + b))));
  return Math.min(fits, wanted, shape.batch);
}
