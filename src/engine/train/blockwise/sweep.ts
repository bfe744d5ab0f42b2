import type { Executable } from '../../runtime/executable';
import type { DeviceTensor } from '../../runtime/tensor';
import type { TensorPool } from './pool';
import type { Pair } from './programs';

type Tensors = Readonly<Record<string, DeviceTensor | undefined>>;

/**
 * Runs a program on those of the given tensors that it reads; its outputs are taken from the pool and are the caller's
 * to give back.
 */
export async function call(
  pool: TensorPool,
  executable: Executable,
  ...given: readonly Tensors[]
): Promise<Record<string, DeviceTensor>> {
  const inputs: Record<string, DeviceTensor> = {};
  for (const tensors of given)
    for (const [name, tensor] of Object.entries(tensors))
      if (tensor && executable.inputs.has(name)) inputs[name] = tensor;
  const outputs: Record<string, DeviceTensor> = {};
  for (const [name, { shape }] of executable.outputs)
    outputs[name] = pool.take(shape, `${executable.name}: ${name}`);
  return executable.run(inputs, outputs);
}

interface Cache {
  readonly k: DeviceTensor;
  readonly v: DeviceTensor;
}

/** A segment gone through: its blocks' inputs, the last block's output, and each block's output where watched. */
export interface SegmentRun {
  readonly xs: readonly DeviceTensor[];
  readonly y: DeviceTensor;
  readonly watched: readonly DeviceTensor[];
}

/** What a sweep starts from, made once. */
export interface SweepConstants {
  /** Zeros: [B, H], one cache, one pack. */
  readonly row: DeviceTensor;
  readonly cache: DeviceTensor;
  readonly pack: DeviceTensor;
}

/**
 * One step's way through the blocks, there and back. Caches are shared by all segments: a later one only adds columns,
 * which an earlier one does not see, so the reverse sweep needs no older copies of them.
 */
export class Sweep {
  private readonly caches: Cache[] = [];
  private readonly cotangents: Cache[];
  /** Gradients of the packs so far. */
  readonly gradients: DeviceTensor[];

  /**
   * @param weights of each block, `w.…`  @param packs LoRA, one a block  @param keyMask of the question
   */
  constructor(
    private readonly pool: TensorPool,
    private readonly weights: readonly Tensors[],
    private readonly packs: readonly DeviceTensor[],
    private readonly keyMask: DeviceTensor,
    private readonly zeros: SweepConstants,
  ) {
    this.cotangents = packs.map(() => ({ k: zeros.cache, v: zeros.cache }));
    this.gradients = packs.map(() => zeros.pack);
  }

  private inputs(block: number): Tensors {
    const cache = this.caches[block];
    const own = { lora: this.packs[block], keyMask: this.keyMask, pastK: cache?.k, pastV: cache?.v };
    return { ...this.weights[block], ...own };
  }

  /** @param x input embeddings [B·P, H]; given back by `reverse` with the other blocks' inputs */
  async forward({ forward }: Pair, x: DeviceTensor, column: Tensors = {}): Promise<SegmentRun> {
    const xs: DeviceTensor[] = [];
    const watched: DeviceTensor[] = [];
    let y = x;
    for (let i = 0; i < this.packs.length; i++) {
      xs.push(y);
      const out = await call(this.pool, forward, this.inputs(i), column, { x: y });
      y = out.y as DeviceTensor;
      if (out.watched) watched.push(out.watched);
      if (!out.k || !out.v) continue;
      this.pool.give(this.caches[i]?.k, this.caches[i]?.v);
      this.caches[i] = { k: out.k, v: out.v };
    }
    return { xs, y, watched };
  }

  /**
   * @param dy cotangent of the last block's output  @param states cotangents [B, H] of the blocks' watched outputs, in
   *   order; blocks beyond the list have none
   * @returns the cotangent of the input embeddings, the caller's to give back
   */
  async reverse(
    { reverse }: Pair,
    xs: readonly DeviceTensor[],
    dy: DeviceTensor,
    states: readonly DeviceTensor[] = [],
    column: Tensors = {},
  ): Promise<DeviceTensor> {
    const { pool } = this;
    let dx = dy;
    for (let i = this.packs.length - 1; i >= 0; i--) {
      const x = xs[i] as DeviceTensor;
      const { k: dK, v: dV } = this.cotangents[i] as Cache;
      const state = states[i] ?? this.zeros.row;
      const gradientSoFar = this.gradients[i] as DeviceTensor;
      const incoming = { x, dy: dx, dState: state, dWatched: state, dK, dV, gradientSoFar };
      const out = await call(pool, reverse, this.inputs(i), column, incoming);
      pool.give(x, dx, gradientSoFar);
      dx = out.dx as DeviceTensor;
      this.gradients[i] = out.gradient as DeviceTensor;
      if (!out.dPastK || !out.dPastV) continue;
      pool.give(dK, dV);
      this.cotangents[i] = { k: out.dPastK, v: out.dPastV };
    }
    return dx;
  }
}
