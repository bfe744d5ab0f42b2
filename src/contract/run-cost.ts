import type { Composition, MemoryEstimate } from './memory';
import type { DataUsed } from './roles';
import type { WeightStorage } from './weight-storage';

/** What a run takes, before it is started. */
export interface RunCost {
  readonly data: DataUsed;
  /** Names of the models. */
  readonly student: string;
  /** Null where the method reads no teacher. */
  readonly teacher: string | null;
  /** Samples of a step, and tokens fed of each. */
  readonly batch: number;
  readonly tokens: number;
  /** How a step is run; null where it fits in neither way. */
  readonly composition: Composition | null;
  /** How the layers' matrices are kept while it trains. */
  readonly storage: WeightStorage;
  readonly memory: MemoryEstimate;
  /** Bytes of the teacher's hidden states on whole rationales, outside WebAssembly, until the targets are made of them. */
  readonly states: number;
  /**
   * Estimated seconds on the threads there are, corrected by those of the run before; null on WebGPU until a run was timed
   * there.
   */
  readonly seconds: { readonly step: number; readonly teacher: number; readonly all: number } | null;
}
