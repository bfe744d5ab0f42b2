import type { RunConfig } from './config';
import type { DataUsed } from './roles';
import type { RunSeries } from './series-schema';
import type { WeightStorage } from './weight-storage';

/** What the engine tells the page. Plain data: everything here crosses from the worker by structured clone. */

export type Provider = 'webgpu' | 'wasm';

export interface DeviceReport {
  readonly provider: Provider;
  /** Why WASM is used; empty on WebGPU. */
  readonly reason: string;
  readonly adapter: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
    readonly software: boolean;
  } | null;
  readonly threads: number;
  readonly crossOriginIsolated: boolean;
  readonly runtimeVersion: string;
}

/** A tensor of a checkpoint's files, and what it is used as. */
export interface TensorUse {
  readonly file: string;
  /** In the file. */
  readonly name: string;
  /** The name of what it is in the network. */
  readonly as: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface ModelReport {
  readonly name: string;
  readonly role: 'base' | 'teacher' | 'opened';
  readonly modelType: string;
  readonly parameters: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The hash is of a sample of the weights: they are too large to be read whole at opening. */
  readonly sampled?: boolean;
  /** L, H, heads, KV heads, V. */
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
  /** d of a head, where the memory it takes can be estimated. */
  readonly headDim?: number;
  readonly tied: boolean;
  /** Of a model that was opened: how WASM keeps its layers' matrices. */
  readonly storage?: WeightStorage;
  /** It was trained to reason in thoughts, as its files say; their number. */
  readonly thoughts?: number;
  /** The adapter that is merged into it. */
  readonly adapter?: AdapterReport;
  /** Options in which families differ. */
  readonly options?: ModelOptions;
  readonly licence: string;
  /** The tensors of its files that are used, and their bytes as stored. */
  readonly matched?: {
    readonly tensors: number;
    readonly bytes: number;
    /** One by one, of a checkpoint that was opened; of a merged adapter those of its base. */
    readonly list?: readonly TensorUse[];
  };
  /** What in its files was ignored or interpreted differently, one sentence each. */
  readonly notes?: readonly string[];
  /** As written in the manifest by the program that measured it. */
  readonly measured: readonly { readonly what: string; readonly value: string }[];
}

export interface AdapterReport {
  /** What the model without it is called. */
  readonly base: string;
  /** It came without its base and is merged into the model that was open, whose files are still read. */
  readonly onOpened: boolean;
  /** Linears that it changes, and their ranks. */
  readonly linears: number;
  readonly ranks: readonly number[];
}

export interface ModelOptions {
  readonly headDim: number;
  readonly norm: 'rms' | 'layer';
  readonly qkNorm: boolean;
  readonly activation: 'swiglu' | 'gelu_new';
  readonly positions:
    | { readonly kind: 'learned' }
    | {
        readonly kind: 'rope';
        readonly theta: number;
        readonly scaling?: { readonly type: 'linear' | 'llama3' | 'yarn'; readonly factor: number };
      };
  readonly maxPositions: number;
  /** Linears with biases. */
  readonly biases: readonly ('q, k, v' | 'o' | 'MLP')[];
}

export interface PairReport {
  readonly models: readonly ModelReport[];
  readonly dataset: string;
  /** What its problems are made of: the model was trained on nothing else. */
  readonly knows: readonly KnownWords[];
  readonly seconds: number;
}

/** Words of one kind, such as names. */
export interface KnownWords {
  readonly kind: string;
  readonly words: readonly string[];
}

export interface Problem {
  /** Stable: `train-17`, `held-out-3`. */
  readonly id: string;
  readonly question: string;
  readonly steps: readonly string[];
  readonly answer: string;
}

/**
 * Progress of something that takes time; `total` is 0 if unknown. `left` is the milliseconds left, where they are known better
 * than from `done` and `elapsed`.
 */
export interface Progress {
  readonly left?: number;
  readonly phase:
    | 'load'
    | 'compile'
    | 'teacher'
    | 'factors'
    | 'train'
    | 'evaluate'
    | 'states'
    | 'spectra'
    | 'causal'
    | 'thoughts'
    | 'check'
    | 'rows'
    | 'tokens'
    | 'write'
    | 'generate';
  readonly done: number;
  readonly total: number;
  readonly unit:
    | 'bytes'
    | 'samples'
    | 'steps'
    | 'programs'
    | 'problems'
    | 'matrices'
    | 'kernels'
    | 'rows'
    | 'tokens'
    | 'runs';
  /** Milliseconds since the phase began; the page derives the ETA. */
  readonly elapsed: number;
}

/**
 * The weighted loss terms by name, as the method's data names them (contract/methods), and their sum. A term whose weight
 * is 0 is absent.
 */
export type LossTerms = Readonly<Record<string, number>> & { readonly total: number };

export interface StepEvent {
  readonly kind: 'step';
  readonly step: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly losses: LossTerms;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  readonly milliseconds: number;
}

/** Share of problems that one run answers correctly, with its 95 % Wilson interval: over problems, not over seeds. */
export interface Accuracy {
  readonly correct: number;
  readonly total: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export interface EvaluationEvent {
  readonly kind: 'evaluation';
  readonly step: number;
  readonly set: 'validation' | 'held-out';
  readonly accuracy: Accuracy;
  /** Of a student that stops by itself: problems by reasoning tokens, the two around the latents included, ascending. */
  readonly lengths?: LengthCount[] | undefined;
  /** Of a student that writes its rationale: the mean number of its tokens. */
  readonly written?: number | undefined;
  readonly milliseconds: number;
}

/** Problems that were answered after so many reasoning tokens. */
export interface LengthCount {
  readonly length: number;
  readonly right: number;
  readonly wrong: number;
}

export interface ProgressEvent {
  readonly kind: 'progress';
  readonly progress: Progress;
}

/** The student's hidden states while it learns: medians over observed samples, for the matrix of all layers and latents. */
export interface SpectrumEvent {
  readonly kind: 'spectrum';
  readonly step: number;
  /** Checkpoint of the student at this step, for the lens. */
  readonly checkpoint: number;
  readonly samples: number;
  readonly sigma: Float32Array;
  readonly cumulative: Float32Array;
  readonly effectiveRank: number;
  readonly stableRank: number;
  /** Mean cosine between two latents of a sample at the last layer: 1 is collapse; NaN with K < 2. */
  readonly cosine: number;
  readonly milliseconds: number;
}

/** The run has reached this state: sent when it is reached, not when it is requested. A run's first event is `running`. */
export interface StateEvent {
  readonly kind: 'state';
  readonly state: 'running' | 'paused';
}

/** From now on the engine keeps this student instead of the previous one, even if the run then fails. */
export interface StudentEvent {
  readonly kind: 'student';
  readonly student: StudentReport;
}

/** Which rows the run uses, before anything is computed. */
export interface DataEvent {
  readonly kind: 'data';
  readonly data: DataUsed;
}

/** The run goes on from a snapshot; its first event after `running`. */
export interface ResumedEvent {
  readonly kind: 'resumed';
  /** Steps that are done. */
  readonly step: number;
  readonly steps: number;
  /** The series up to that step. */
  readonly series: RunSeries;
  /** What computed those steps. On another provider the next ones differ in their last bits. */
  readonly provider: Provider;
}

/** A snapshot was written, or could not be. */
export interface KeptEvent {
  readonly kind: 'kept';
  readonly step: number;
  /** Steps until the next one: as many can be lost. */
  readonly every: number;
  readonly bytes: number;
  /** Of reading, packing and writing it: the run waits for all three. */
  readonly milliseconds: number;
  /** Why it was not written; the one before is still there. */
  readonly failure: string | null;
}

/** A stage of the run's curriculum begins, see `runStages`; a run without stages sends none. */
export interface StageEvent {
  readonly kind: 'stage';
  /** Number of the stage, from 1, and of how many. */
  readonly stage: number;
  readonly of: number;
  readonly name: string;
  /** Its first step, from 1. */
  readonly step: number;
}

/** A sampled answer and what it was rewarded for. */
export interface DrawnCompletion {
  /** What was written after the latents. */
  readonly text: string;
  readonly formatted: boolean;
  readonly correct: boolean;
  /** Reasoning tokens, the two around the latents included. */
  readonly length: number;
  /** Terms of the reward. */
  readonly reward: { readonly format: number; readonly correct: number; readonly length: number };
  /** The reward, normalised within the group. */
  readonly advantage: number;
}

/** Answers drawn for one question. */
export interface DrawnGroup {
  /** Index of the question among the run's training samples. */
  readonly sample: number;
  readonly completions: readonly DrawnCompletion[];
}

/** What a step of reinforcement was computed from. */
export interface GroupsEvent {
  readonly kind: 'groups';
  /** From 1. */
  readonly step: number;
  readonly groups: readonly DrawnGroup[];
}

/** What the run will take, as far as it can be said before its first step. */
export interface ExpectedEvent {
  readonly kind: 'expected';
  /** Milliseconds of the whole teacher pass, of one step, and of one problem answered; null where nothing is known. */
  readonly milliseconds: {
    readonly teacher: number;
    readonly step: number;
    readonly problem: number;
  } | null;
}

export type RunEvent =
  | ExpectedEvent
  | StageEvent
  | GroupsEvent
  | DataEvent
  | StepEvent
  | EvaluationEvent
  | ProgressEvent
  | SpectrumEvent
  | StateEvent
  | StudentEvent
  | ResumedEvent
  | KeptEvent;

/** Identifies a student among all others on the same page. */
export interface StudentReport {
  readonly id: string;
  readonly label: string;
  /** Where its configuration differs from its method's preset: path and value. */
  readonly differs: readonly (readonly [path: string, value: unknown])[];
  /** The step of the adapter that is kept. */
  readonly step: number;
  /** How many thoughts it has, and what is fed for each; unknown of a student that the engine has not described yet. */
  readonly thoughts?: Pick<LatentSession, 'latentSteps' | 'filter' | 'temperature'>;
  /** How its model differs from the one it was trained on, if it does. */
  readonly note?: string;
}

export interface RunResult {
  readonly config: RunConfig;
  /** The student that is kept; none if the run was stopped before its first step. */
  readonly student?: StudentReport;
  readonly status: 'done' | 'stopped';
  readonly steps: number;
  readonly heldOut: Accuracy | null;
  /** Whether that is the accuracy of rationales and answers that the student writes itself. */
  readonly isWritten?: boolean;
  /** Where it was asked for: the accuracy on the same problems while the student writes its rationale (LoRi-E). */
  readonly explicit?: Accuracy;
  /** The teacher's explicit chain of thought on the same held-out problems. */
  readonly teacher: Accuracy | null;
  readonly seconds: {
    readonly teacher: number;
    readonly compile: number;
    readonly train: number;
    readonly evaluate: number;
  };
  /** Number of distinct programs that a step runs. */
  readonly programs: number;
  /** Ranks reduced because the model or the samples span fewer directions: the rank used, by path of the setting. */
  readonly ranksUsed?: Readonly<Record<string, number>>;
  readonly trainable: number;
  readonly provider: Provider;
  /** SHA-256 of the weights of its models, by name. */
  readonly models: Readonly<Record<string, string>>;
  /** How the matrices of their layers were kept, by name; absent from runs of earlier versions. */
  readonly storages?: Readonly<Record<string, WeightStorage>>;
  /** Absent from runs of earlier versions. */
  readonly data?: DataUsed;
}

export interface TokenProbability {
  readonly id: number;
  readonly text: string;
  readonly probability: number;
}

export interface LatentSession {
  readonly session: number;
  readonly question: string;
  readonly tokens: readonly string[];
  /** Words of the question that the model does not know, each once. */
  readonly unknown: readonly string[];
  readonly latentSteps: number;
  /** Tokens of the answer's prompt, which are fed after the thoughts; none of a student that writes them itself. */
  readonly prompt: readonly string[];
  /**
   * What is fed as a thought: `softmax`, the mixture softmax(logits/τ)·E, whose largest shares are a thought's `top`;
   * `hidden`, the hidden state itself; `module`, what a trained module makes of it; `tokens`, tokens that are the same for
   * every question. `top` is then from softmax(logits) where the thought is made.
   */
  readonly filter: 'softmax' | 'hidden' | 'module' | 'tokens';
  /** τ; meaningless but for `softmax`. */
  readonly temperature: number;
  /** Reference answer when the question came from the data set. */
  readonly expected: string | null;
  /** Whose weights answer: the student of the last run, or the untrained base. */
  readonly student: string;
  /** sha256 of the base's weights, and of the student's trained values; the same values have the same hash in any session. */
  readonly identity: { readonly base: string; readonly student: string | null };
  /** L, heads and H. */
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
}

export interface AnswerReport {
  readonly text: string;
  readonly value: string | null;
  readonly top: readonly TokenProbability[];
  readonly milliseconds: number;
  /** Question, latents and answer together, in milliseconds: how long a user would wait. */
  readonly totalMilliseconds: number;
}

/** A token of an explicit chain of thought, as it was generated. */
export interface ExplicitToken {
  readonly text: string;
  readonly probability: number;
  readonly milliseconds: number;
}

export interface ExplicitReport {
  readonly rationale: string;
  readonly value: string | null;
  readonly text: string;
  readonly tokens: number;
  /** Token by token, without the end token. */
  readonly chain: readonly ExplicitToken[];
  readonly milliseconds: number;
}

export interface EngineErrorReport {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  readonly stack: string | null;
}
