import type { Owned } from '../../base/owned';
import type { Device } from '../../device/device';
import type { Program } from '../../graph/graph';
import type { ModelOnDevice, ModelProgram } from '../../model/model-on-device';
import { BoundInputs } from '../../runtime/bound-inputs';
import { TensorPool } from '../../runtime/tensor-pool';
import type { LossRun } from '../losses/state-loss';
import { type Entry, termsOf } from '../tape/entries';
import type { Tape } from '../tape/tape';
import { type Plan, planOf } from './plan';
import { readsWeights, sourceOf, sumProgram, termsProgram } from './programs';

/** Whether losses on hidden states run as traced programs, or as kernels if they have them. */
export type LossForm = 'traced' | 'kernels';

export interface LayerwiseOptions {
  /** Default `kernels` on WebGPU, `traced` on WASM. */
  readonly losses?: LossForm;
  /** The runtime's device; needed on WebGPU. */
  readonly device?: Device;
  /** Awaited before each program is compiled: it waits while the run is paused, and rejects when it is cancelled. */
  readonly between?: () => Promise<void>;
}

/** An entry's programs. */
interface EntryPrograms {
  readonly forward: ModelProgram;
  /** Undefined if nothing before it is trained, and for a loss, which runs forward and in reverse at once. */
  readonly reverse: ModelProgram | undefined;
}

/** A compiled tape, with everything that its runs share; equal programs are shared. */
export class Compiled {
  readonly plan: Plan;
  readonly feeds: BoundInputs;
  readonly pool: TensorPool;
  private readonly known = new Map<string, Promise<ModelProgram>>();
  private readonly programs = new Map<Entry, EntryPrograms>();
  /** Losses that run as kernels. */
  readonly kernels = new Map<Entry, LossRun>();
  /** Joins the losses' terms, if there are any. */
  joining: ModelProgram | undefined;

  constructor(
    readonly model: ModelOnDevice,
    readonly tape: Tape,
    private readonly owned: Owned,
  ) {
    this.plan = planOf(tape, (entry) => readsWeights(tape, entry));
    this.feeds = owned.add(new BoundInputs(model.runtime));
    this.pool = owned.add(new TensorPool(model.runtime));
  }

  of = (entry: Entry): EntryPrograms => this.programs.get(entry) as EntryPrograms;

  /** The sum of two tensors of a shape; compiled when first needed. */
  sum = (shape: readonly number[]): Promise<ModelProgram> =>
    this.compile(`sum ${shape}`, () => sumProgram(shape));

  /** Number of distinct sessions, including those of losses that run as kernels. */
  async distinct(): Promise<{ programs: number; nodes: number }> {
    const all = new Set((await Promise.all(this.known.values())).map(({ executable }) => executable));
    for (const run of this.kernels.values()) for (const executable of run.executables) all.add(executable);
    return { programs: all.size, nodes: [...all].reduce((n, { nodeCount }) => n + nodeCount, 0) };
  }

  async prepare({ losses, device, between }: LayerwiseOptions): Promise<void> {
    const { plan, tape } = this;
    const { runtime } = this.model;
    const form = losses ?? (runtime.provider === 'webgpu' ? 'kernels' : 'traced');
    for (const entry of plan.entries) {
      await between?.();
      if (entry.kind === 'loss' && entry.kernel && form === 'kernels') {
        const shape = entry.inputs[0]?.shape ?? [];
        this.kernels.set(entry, this.owned.add(await entry.kernel(runtime, shape, device)));
        continue;
      }
      const { key, trace } = sourceOf(tape, plan, entry);
      const forward = await this.compile(key, () => trace('forward'));
      const reverse = plan.reversed.has(entry)
        ? await this.compile(`${key}, in reverse`, () => trace('reverse'))
        : undefined;
      this.programs.set(entry, { forward, reverse });
    }
    const lengths = plan.entries.map((entry) => termsOf(entry).length).filter((length) => length > 0);
    if (lengths.length > 0) this.joining = await this.compile('terms', () => termsProgram(lengths));
  }

  private compile(key: string, program: () => Program): Promise<ModelProgram> {
    const known = this.known.get(key);
    if (known) return known;
    // Of the weights only head and embedding are part of a program. Packing would hold them twice during
    // compilation, and the point here is to take little memory.
    const made = this.model
      .compile(program(), { prepack: false })
      .then((compiled) => this.owned.add(compiled));
    this.known.set(key, made);
    return made;
  }
}
