import type { Composition, MemoryEstimate } from './memory';
import type { DataUsed } from './roles';
import type { WeightStorage } from './weight-storage';

/** How a run reads its teacher, outside WebAssembly. */
export interface TeacherReading {
  /** Bytes of its hidden states on whole rationales, over all samples. */
  readonly states: number;
  /** Whether they are all there until the targets are made of them; else one sample's at a time. */
  readonly held: boolean;
  /** How often every sample is read. */
  readonly readings: number;
  /** Bytes that are kept meanwhile. */
  readonly bytes: number;
}

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
  /** How the teacher is read; null where it is not. */
  readonly reading: TeacherReading | null;
  /** Bytes of each of the run's snapshots while it trains: parameters, moments, and the copy of the best accuracy. */
  readonly kept: number;
  /**
   * Estimated seconds on the threads there are, corrected by those of the run before; null on WebGPU until a run was timed
   * there.
   */
  readonly seconds: {
    readonly step: number;
    /** Reading the teacher. */
    readonly teacher: number;
    readonly evaluation: EvaluationSeconds;
    /** Reading, steps and evaluation. */
    readonly all: number;
  } | null;
}

/** Estimated seconds of what a run measures, by part; 0 for what it does not measure. */
export interface EvaluationSeconds {
  /** All validations on the way. */
  readonly validation: number;
  /** The held-out problems at the end. */
  readonly heldOut: number;
  /** The same with written rationales, where they are asked for. */
  readonly written: number;
  /** The same by the teacher; 0 also where its accuracy is known. */
  readonly teacher: number;
  /** Spectra of the latents on the way. */
  readonly observation: number;
  readonly all: number;
}
