import type { WeightSource } from '../nn/weight-source';
import type { Binding, Executable } from '../runtime/executable';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { type FedEmbedding, readEmbeddings } from './fed-embeddings';
import type { Hold } from './program-cache';

/**
 * A program that already has the model's weights: only the other inputs are bound for a run. If memory is
 * short it may be released between two runs, and is then recompiled by the next.
 */
export interface ModelProgram extends Pick<Executable, 'name' | 'outputs' | 'run'> {
  /** Without weights. */
  readonly inputs: Executable['inputs'];
  /** As last compiled. */
  readonly executable: Executable;
  /** Estimated bytes of its session. */
  readonly bytes: number;
  /**
   * Gives the program back; while there is room it is kept for the next caller that compiles an equal one.
   */
  dispose(): Promise<void>;
}

/** A program on the device, with what the model binds to it. */
export interface Resident {
  readonly hold: Hold;
  /** Estimated bytes of its session. */
  readonly bytes: number;
  readonly weights: Readonly<Record<string, DeviceTensor>>;
  /** Inputs that the caller binds. */
  readonly inputs: ReadonlyMap<string, Binding>;
  /** Token ids whose embeddings it takes. */
  readonly fed: readonly FedEmbedding[];
}

/** A model's program that is reloaded if it had to make room. */
export class ResidentProgram implements ModelProgram {
  private loading: Promise<Resident> | undefined;
  private disposed = false;

  constructor(
    private current: Resident,
    private readonly load: () => Promise<Resident>,
    private readonly runtime: Runtime,
    private readonly source: WeightSource,
  ) {}

  get executable(): Executable {
    return this.current.hold.executable;
  }
  get name(): string {
    return this.executable.name;
  }
  get outputs(): Executable['outputs'] {
    return this.executable.outputs;
  }
  get inputs(): Executable['inputs'] {
    return this.current.inputs;
  }
  get bytes(): number {
    return this.current.bytes;
  }

  async run(
    bound: Readonly<Record<string, DeviceTensor>>,
    outputs?: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>> {
    // Another program may need the room between loading and running.
    while (this.current.hold.gone && !this.disposed) await this.reload();
    const { hold, weights, fed } = this.current;
    const all: Record<string, DeviceTensor> = { ...weights, ...bound };
    const made: DeviceTensor[] = [];
    try {
      for (const embedding of fed) {
        const tensor = readEmbeddings(this.runtime, this.source, embedding, bound[embedding.ids]);
        made.push(tensor);
        delete all[embedding.ids];
        all[embedding.input] = tensor;
      }
      return await hold.use(() => hold.executable.run(all, outputs));
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.current.hold.release();
  }

  private async reload(): Promise<void> {
    this.loading ??= this.load().finally(() => {
      this.loading = undefined;
    });
    const loaded = await this.loading;
    if (this.current === loaded) return;
    this.current = loaded;
    if (this.disposed) await loaded.hold.release();
  }
}
