import { NumericError, throwIfCancelled } from '../../base/errors';
import type { Batch, Groups } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import type { Binding, Constants, Pipeline } from '../../device/pipeline';
import { packUniforms } from '../../device/uniforms';
import fill from './large-fill.wgsl?raw';
import panel from './large-panel.wgsl?raw';
import product from './large-product.wgsl?raw';
import shared from './large-shape.wgsl?raw';
import values from './large-values.wgsl?raw';
import vectors from './large-vectors.wgsl?raw';
import type { SvdShape } from './svd.cpu';

/** How far a decomposition has come, and whether it is still wanted. */
export interface LargeOptions {
  readonly signal?: AbortSignal;
  /** Called with the share done, 0 … 1. */
  readonly onProgress?: (share: number) => void;
}

/** Columns a panel; the first is narrow, so that a dominant direction leaves W before rounding can spread it. */
const WIDTH = 16;
const FIRST_WIDTH = 4;
/** Threads a workgroup. */
const GROUP = 64;
/** Inverse iterations: two suffice away from clusters, the third is for these. */
const TURNS = 3;
/** Reflections a dispatch of the way back. */
const REFLECTIONS = 64;
/** Working space for matrices taken at once, bytes; more does not make a GPU faster. */
const MOST_BYTES = 2 ** 28;
/** Shares of the work, for progress alone. */
const REDUCED = 0.85;
const VALUED = 0.9;

const ceil4 = (x: number): number => Math.ceil(x / 4) * 4;

/** Offsets of parts laid one after the other on multiples of 4, and the size of all. */
function placed(floats: Readonly<Record<string, number>>) {
  const at: number[] = [];
  let size = 0;
  for (const count of Object.values(floats)) {
    at.push(size);
    size += ceil4(count);
  }
  return { at, size };
}

/** Sizes (floats a matrix) and offsets of large-shape.wgsl. */
function layout({ rows, cols, r }: SvdShape) {
  const p = Math.max(rows, cols);
  const q = Math.min(rows, cols);
  const ldp = ceil4(p);
  const ldq = ceil4(q);
  const chunk = Math.max(64, ceil4(Math.ceil(p / 64)));
  const panelParts = placed({
    x: WIDTH * ldp,
    y: WIDTH * ldq,
    part: Math.ceil(ldp / chunk) * ldq,
    raw: 16 * ldp,
  });
  const scalarParts = placed({ dots: 4 * WIDTH, gk: 2 * q, tauL: q, tauR: q });
  const sizes = {
    a: rows * cols,
    w: ldp * ldq,
    houses: q * (ldp + ldq),
    panel: panelParts.size,
    scalars: scalarParts.size,
    vectors: Math.max(1, r * Math.max(2 * q, rows) + r + 10 * q * r),
    sigma: q,
    u: Math.max(1, rows * r),
  };
  const fixed = [rows, cols, p, q, ldp, ldq, r, sizes.panel, sizes.scalars, sizes.vectors];
  fixed.push(...panelParts.at, ...scalarParts.at, WIDTH, chunk);
  const uniforms = (i: number, c: number): Uint8Array<ArrayBuffer> =>
    packUniforms(...[...fixed, i, c].map((v) => ['u', v] as const));
  return { p, q, ldp, ldq, chunk, sizes, uniforms };
}

/** Matrices of this shape the device takes at once; 0 where not even one fits. */
export function largeRoom(device: Device, shape: SvdShape): number {
  const { p, sizes } = layout(shape);
  // `product` takes a workgroup for sixteen rows.
  if (p > 16 * 65000) return 0;
  const all = Object.values(sizes);
  const one = Math.max(...all) * 4;
  const fits = Math.floor(
    Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize) / one,
  );
  const wanted = Math.max(1, Math.floor(MOST_BYTES / (4 * all.reduce((a, b) => a + b))));
  return Math.min(fits, wanted, shape.batch);
}

/** Entry points and what they see, in binding order. */
const ENTRIES = {
  peak: [fill, ['a', 'peaks', 'w']],
  fill: [fill, ['a', 'peaks', 'w']],
  column_step: [panel, ['w', 'houses', 'panel', 'scalars']],
  row_step: [panel, ['w', 'houses', 'panel', 'scalars']],
  reflect: [panel, ['w', 'houses', 'panel', 'scalars']],
  column_dots: [product, ['w', 'houses', 'panel', 'scalars']],
  row_dots: [product, ['w', 'houses', 'panel', 'scalars']],
  transpose_product: [product, ['w', 'houses', 'panel', 'scalars']],
  product: [product, ['w', 'houses', 'panel', 'scalars']],
  update: [product, ['w', 'houses', 'panel', 'scalars']],
  bisect: [values, ['peaks', 'scalars', 'sigma', 'vectors']],
  factor: [values, ['peaks', 'scalars', 'sigma', 'vectors']],
  solve: [values, ['peaks', 'scalars', 'sigma', 'vectors']],
  project: [vectors, ['houses', 'scalars', 'vectors', 'u']],
  unit: [vectors, ['houses', 'scalars', 'vectors', 'u']],
  halve: [vectors, ['houses', 'scalars', 'vectors', 'u']],
  carry_back: [vectors, ['houses', 'scalars', 'vectors', 'u']],
  write_out: [vectors, ['houses', 'scalars', 'vectors', 'u']],
} as const;
type Entry = keyof typeof ENTRIES;
type Name = keyof ReturnType<typeof layout>['sizes'] | 'peaks';

/** Whether the module declares a binding of this name as read-only: the layout must say the same. */
function bindingOf(code: string, name: string): Binding {
  return new RegExp(`<storage, read> ${name}:`).test(code) ? 'read' : 'write';
}

async function compile(device: Device): Promise<Record<Entry, Pipeline>> {
  const lanes = device.info.isFallback ? 8 : 64;
  const made = Object.entries(ENTRIES).map(async ([entry, [code, names]]) => {
    const bindings = [...names.map((name) => bindingOf(code, name)), 'uniform' as const];
    const constants: Constants = /override lanes/.test(code) ? { lanes } : {};
    const pipeline = await device.pipeline(`${shared}\n${code}`, entry, bindings, `svd ${entry}`, constants);
    return [entry, pipeline] as const;
  });
  return Object.fromEntries(await Promise.all(made)) as Record<Entry, Pipeline>;
}

/**
 * All singular values and the first r left vectors of `matrices` [B, m, n], float32 on the GPU: blocked Householder
 * bidiagonalisation, bisection, inverse iteration; several dispatches a column, `largeRoom` matrices at once. Between
 * panels it can be cancelled, and never more than two panels wait in the queue. Rejects with `NumericError` (NaN or
 * Inf), `CancelledError`, `DeviceError`; buffers are released in every case.
 */
export async function svdLarge(
  device: Device,
  matrices: Float32Array,
  shape: SvdShape,
  options: LargeOptions = {},
): Promise<{ sigma: Float32Array<ArrayBuffer>; u: Float32Array<ArrayBuffer> }> {
  const { batch, rows, r } = shape;
  const pipelines = await compile(device);
  const { sizes } = layout(shape);
  const most = Math.max(1, largeRoom(device, shape));
  const sigma = new Float32Array(batch * sizes.sigma);
  const u = new Float32Array(batch * rows * r);
  const buffers = {} as Record<Name, DeviceBuffer>;
  try {
    for (const [name, floats] of Object.entries({ ...sizes, peaks: 1 })) {
      buffers[name as Name] = device.createBuffer(floats * most * 4, `svd ${name}`);
    }
    for (let first = 0; first < batch; first += most) {
      const count = Math.min(most, batch - first);
      const part = { ...shape, batch: count };
      device.write(buffers.a, matrices.subarray(first * sizes.a, (first + count) * sizes.a));
      device.write(buffers.peaks, new Uint32Array(most));
      await decompose(device, pipelines, buffers, part, {
        first,
        signal: options.signal,
        onProgress: (share) => options.onProgress?.((first + share * count) / batch),
      });
      sigma.set(await device.readF32(buffers.sigma, count * sizes.sigma), first * sizes.sigma);
      if (r > 0) u.set(await device.readF32(buffers.u, count * rows * r), first * rows * r);
      options.onProgress?.((first + count) / batch);
    }
    return { sigma, u };
  } finally {
    for (const b of Object.values(buffers)) b.destroy();
  }
}

async function decompose(
  device: Device,
  pipelines: Record<Entry, Pipeline>,
  buffers: Record<Name, DeviceBuffer>,
  shape: SvdShape,
  options: LargeOptions & { readonly first: number },
): Promise<void> {
  const { batch, rows, cols, r } = shape;
  const { p, q, ldp, ldq, chunk, uniforms } = layout(shape);
  const run = (b: Batch, entry: Entry, [x, y = 1]: Groups, i = 0, c = 0): void =>
    b.dispatch(
      pipelines[entry],
      ENTRIES[entry][1].map((name) => buffers[name]),
      uniforms(i, c),
      [x, y, batch],
    );
  // One submission runs while the next is recorded; more in the queue could not be cancelled.
  let running: Promise<void> = Promise.resolve();
  const submit = async (record: (b: Batch) => void): Promise<void> => {
    throwIfCancelled(options.signal, 'svd');
    device.record('svd', record);
    const before = running;
    running = device.idle();
    running.catch(() => {});
    await before;
  };

  await submit((b) => run(b, 'peak', [Math.min(256, Math.ceil((rows * cols) / GROUP))]));
  const bad = new Uint32Array(await device.read(buffers.peaks, batch * 4)).findIndex((x) => x >= 0x7f800000);
  if (bad >= 0) throw new NumericError(`svd: matrix ${options.first + bad} holds NaN or Inf`);
  await submit((b) => run(b, 'fill', [Math.ceil(ldq / GROUP), ldp]));

  /** Workgroups for the quads of a length `ld` from entry `head` on. */
  const quads = (ld: number, head: number): number =>
    Math.max(1, Math.ceil((ld / 4 - Math.floor(head / 4)) / GROUP));
  let first = 0;
  for (let i = 0; ; ) {
    const end = Math.min(q, first + (first === 0 ? FIRST_WIDTH : WIDTH));
    await submit((b) => {
      for (; i < end; i++) {
        if (i === 0) run(b, 'column_step', [quads(ldp, 0)], 0, 0);
        run(b, 'reflect', [1], i, 0);
        // The last column has nothing right of it.
        if (i + 1 === q) continue;
        const c = i - first;
        const across = quads(ldq, i + 1);
        const down = Math.ceil((ldp - (i - (i % 4))) / chunk);
        run(b, 'transpose_product', [across, down], i, c);
        if (c > 0) run(b, 'column_dots', [2 * c], i, c);
        run(b, 'row_step', [across], i, c);
        run(b, 'reflect', [1], i, 1);
        const blocks = Math.ceil((ldp / 4 - Math.floor((i + 1) / 4)) / 4);
        run(b, 'product', [blocks], i, c);
        run(b, 'row_dots', [2 * c + 1], i, c);
        run(b, 'column_step', [quads(ldp, i + 1)], i + 1, c + 1);
      }
      if (end < q) {
        const tiles = (ld: number): number => Math.ceil((ld - end) / 32);
        run(b, 'update', [tiles(ldq), tiles(ldp)], end, end - first);
      }
    });
    options.onProgress?.(REDUCED * (1 - ((1 - end / q) * (1 - end / p)) ** 1.5));
    if (end === q) break;
    first = end;
  }

  await submit((b) => run(b, 'bisect', [Math.ceil(q / 32)]));
  options.onProgress?.(VALUED);
  if (r > 0) {
    const orthogonalise = (b: Batch, length: number): void => {
      for (let v = 0; v + 1 < r; v++) run(b, 'project', [r - v - 1], v, length);
    };
    const threads: Groups = [Math.ceil(r / GROUP)];
    await submit((b) => run(b, 'factor', threads));
    for (let turn = 0; turn < TURNS; turn++) {
      await submit((b) => {
        run(b, 'solve', threads);
        for (const _ of [0, 1]) {
          orthogonalise(b, 2 * q);
          run(b, 'unit', [r], 0, 2 * q);
        }
      });
    }
    await submit((b) => run(b, 'halve', [r]));
    // From the wide side there are q − 1 reflections.
    const last = rows >= cols ? q : q - 1;
    for (let i = last; i > 0; i -= REFLECTIONS) {
      await submit((b) => run(b, 'carry_back', [r], i, Math.min(REFLECTIONS, i)));
    }
    await submit((b) => {
      for (let turn = 1; turn <= 3; turn++) {
        run(b, 'unit', [r], turn, rows);
        orthogonalise(b, rows);
      }
      run(b, 'unit', [r], 0, rows);
      run(b, 'write_out', [r]);
    });
  }
  await running;
}
