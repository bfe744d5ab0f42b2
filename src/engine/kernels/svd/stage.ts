import { NumericError, throwIfCancelled } from '../../base/errors';
import type { Batch, Groups } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import type { Binding, Constants, Pipeline } from '../../device/pipeline';
import lanczos from './lanczos.wgsl?raw';
import fill from './large-fill.wgsl?raw';
import panel from './large-panel.wgsl?raw';
import product from './large-product.wgsl?raw';
import shared from './large-shape.wgsl?raw';
import values from './large-values.wgsl?raw';
import vectors from './large-vectors.wgsl?raw';
import { layout, type Name, PRODUCT_ROWS, type Sizes, type StageSize } from './stage-layout';
import type { SvdShape } from './svd.cpu';

/** Threads of a workgroup that needs no barrier. */
const GROUP = 64;
/** Maximum number of workgroups that share the rows of W when it is filled. */
const MAX_ROWS = 4096;
/** What changes from dispatch to dispatch: see the end of Shape in large-shape.wgsl. */
export interface StageStep {
  readonly i?: number;
  readonly c?: number;
  readonly top?: number;
  readonly left?: number;
  readonly side?: 0 | 1;
}

/** Entry points and their buffers, in binding order. */
const ENTRIES = {
  peak: [fill, ['a', 'peaks', 'w']],
  fill: [fill, ['a', 'peaks', 'w']],
  column_step: [panel, ['w', 'reflectors', 'panel', 'scalars']],
  row_step: [panel, ['w', 'reflectors', 'panel', 'scalars']],
  reflect: [panel, ['w', 'reflectors', 'panel', 'scalars']],
  transpose_product: [product, ['w', 'reflectors', 'panel', 'scalars']],
  product: [product, ['w', 'reflectors', 'panel', 'scalars']],
  column_dots: [product, ['w', 'reflectors', 'panel', 'scalars']],
  row_dots: [product, ['w', 'reflectors', 'panel', 'scalars']],
  update: [product, ['w', 'reflectors', 'panel', 'scalars']],
  bisect: [values, ['peaks', 'scalars', 'sigma', 'vectors']],
  factor: [values, ['peaks', 'scalars', 'sigma', 'vectors']],
  solve: [values, ['peaks', 'scalars', 'sigma', 'vectors']],
  project: [vectors, ['reflectors', 'scalars', 'vectors', 'u']],
  unit: [vectors, ['reflectors', 'scalars', 'vectors', 'u']],
  halve: [vectors, ['reflectors', 'scalars', 'vectors', 'u']],
  carry_back: [vectors, ['reflectors', 'scalars', 'vectors', 'u']],
  write_out: [vectors, ['reflectors', 'scalars', 'vectors', 'u']],
  begin: [lanczos, ['reflectors', 'panel', 'scalars', 'vectors']],
  gather: [lanczos, ['reflectors', 'panel', 'scalars', 'vectors']],
  subtract: [lanczos, ['reflectors', 'panel', 'scalars', 'vectors']],
  scale: [lanczos, ['reflectors', 'panel', 'scalars', 'vectors']],
  combine: [lanczos, ['reflectors', 'panel', 'scalars', 'vectors']],
  residual: [lanczos, ['reflectors', 'panel', 'scalars', 'vectors']],
} as const satisfies Record<string, readonly [string, readonly Name[]]>;
export type Entry = keyof typeof ENTRIES;

/** How the module declares a buffer: the layout must match. */
const bindingOf = (code: string, name: string): Binding =>
  code.includes(`<storage, read> ${name}:`) ? 'read' : 'write';

/**
 * A decomposition of a few matrices of one shape in many dispatches: buffers, pipelines, and a queue that is never more
 * than two submissions long, so that it can be cancelled. `destroy` releases everything.
 */
export class Stage {
  readonly p: number;
  readonly q: number;
  readonly ldp: number;
  readonly ldq: number;
  readonly chunk: number;
  readonly sizes: Sizes;
  /** Offsets of what the host reads or writes in `scalars`, in floats. */
  readonly scalars: ReturnType<typeof layout>['scalars'];
  readonly buffers = {} as Record<Name, DeviceBuffer>;
  /** What W was divided by, matrix by matrix. */
  scales: readonly number[] = [];
  private readonly fixed: readonly number[];
  private count = 0;
  private running: Promise<void> = Promise.resolve();

  private constructor(
    readonly device: Device,
    private readonly pipelines: ReadonlyMap<Entry, Pipeline>,
    shape: SvdShape,
    size: StageSize,
    private readonly signal: AbortSignal | undefined,
  ) {
    const { p, q, ldp, ldq, chunk, sizes, scalars, fixed } = layout(shape, size);
    this.p = p;
    this.q = q;
    this.ldp = ldp;
    this.ldq = ldq;
    this.chunk = chunk;
    this.sizes = sizes;
    this.scalars = scalars;
    this.fixed = fixed;
  }

  /** For up to `shape.batch` matrices. Rejects with `DeviceError`. `lanes` stands in for the adapter's in tests. */
  static async open(
    device: Device,
    shape: SvdShape,
    size: StageSize,
    entries: readonly Entry[],
    signal: AbortSignal | undefined,
    lanes = device.info.isFallback ? 4 : GROUP,
  ): Promise<Stage> {
    const made = entries.map(async (entry) => {
      const [code, names] = ENTRIES[entry];
      const bindings = [...names.map((name) => bindingOf(code, name)), 'uniform' as const];
      const constants: Constants = code.includes('override lanes') ? { lanes } : {};
      const pipeline = device.pipeline(`${shared}\n${code}`, entry, bindings, `svd ${entry}`, constants);
      return [entry, await pipeline] as const;
    });
    const stage = new Stage(device, new Map(await Promise.all(made)), shape, size, signal);
    try {
      for (const [name, floats] of Object.entries(stage.sizes)) {
        stage.buffers[name as Name] = device.createBuffer(floats * shape.batch * 4, `svd ${name}`);
      }
    } catch (e) {
      stage.destroy();
      throw e;
    }
    return stage;
  }

  destroy(): void {
    for (const b of Object.values(this.buffers)) b.destroy();
  }

  /** Uploads `count` matrices and fills W for each. Rejects with `NumericError`, naming the matrix, counted from `first`. */
  async take(matrices: Float32Array, count: number, first: number): Promise<void> {
    this.count = count;
    this.device.write(this.buffers.a, matrices);
    this.device.write(this.buffers.peaks, new Uint32Array(count));
    await this.submit((b) => this.run(b, 'peak', [Math.min(256, Math.ceil(this.sizes.a / GROUP))]));
    const peaks = new Uint32Array(await this.device.read(this.buffers.peaks, count * 4));
    const bad = peaks.findIndex((x) => x >= 0x7f800000);
    if (bad >= 0)
      throw new NumericError(
        `svd: matrix ${first + bad} holds NaN or Inf`,
        'Use another model or checkpoint: the weights of this one are damaged, or overflow.',
      );
    this.scales = Array.from(peaks, (x) => 2 ** Math.max(-126, Math.min(126, (x >>> 23) - 127)));
    await this.submit((b) =>
      this.run(b, 'fill', [Math.ceil(this.ldq / GROUP), Math.min(this.ldp, MAX_ROWS)]),
    );
  }

  /** Records one dispatch over all matrices. */
  run(b: Batch, entry: Entry, [x, y = 1]: Groups, step: StageStep = {}): void {
    const { i = 0, c = 0, top = 0, left = 0, side = 0 } = step;
    b.dispatch(
      this.pipelines.get(entry) as Pipeline,
      ENTRIES[entry][1].map((name) => this.buffers[name]),
      Uint32Array.of(...this.fixed, i, c, top, left, side),
      [x, y, this.count],
    );
  }

  /** W times vector i of length q: rows from quad `top`, columns from quad `left` on. */
  product(b: Batch, i: number, top = 0, left = 0): void {
    this.run(b, 'product', [Math.ceil((this.ldp / 4 - top) / (PRODUCT_ROWS / 4))], { i, top, left });
  }

  /** Wᵀ times vector i of length p. */
  transposeProduct(b: Batch, i: number, top = 0, left = 0): void {
    const down = Math.ceil((this.ldp - 4 * top) / this.chunk);
    this.run(b, 'transpose_product', [this.quads(this.ldq, left), down], { i, top, left });
  }

  /** Workgroups for the quads of a vector of `length` (a multiple of 4) from quad `from` on. */
  quads(length: number, from = 0): number {
    return Math.max(1, Math.ceil((length / 4 - from) / GROUP));
  }

  /** Submits what is recorded, and waits for the previous submission. Rejects with `CancelledError` or `DeviceError`. */
  async submit(record: (b: Batch) => void): Promise<void> {
    throwIfCancelled(this.signal, 'svd');
    this.device.record('svd', record);
    const before = this.running;
    this.running = this.device.idle();
    this.running.catch(() => {});
    await before;
  }

  /** Gram–Schmidt over the first r `vectors`, `length` entries each, by rows. */
  orthogonalise(b: Batch, r: number, length: number): void {
    for (let v = 0; v + 1 < r; v++) this.run(b, 'project', [r - v - 1], { i: v, c: length });
  }

  /** Makes the r `vectors` of length m an orthonormal basis, completed where needed, signs it and writes `u`. */
  async finishVectors(r: number, m: number): Promise<void> {
    await this.submit((b) => {
      for (let turn = 1; turn <= 3; turn++) {
        this.run(b, 'unit', [r], { i: turn, c: m });
        this.orthogonalise(b, r, m);
      }
      this.run(b, 'unit', [r], { c: m });
      this.run(b, 'write_out', [r]);
    });
  }
}
