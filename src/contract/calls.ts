import type { RunConfig } from './config';
import type { DataPage, DataQuery, DataReading, DataReport, RowsCost, TokenCounts } from './data';
import type { Evaluated, EvaluationEvent, EvaluationRequest } from './evaluation';
import type {
  DeviceReport,
  ExplicitReport,
  LatentSession,
  ModelReport,
  PairReport,
  Problem,
  Progress,
  RunEvent,
  RunResult,
  StudentReport,
} from './events';
import type { GenerateReport, GenerateReporting, GenerateRequest } from './generate';
import type { InputsRequest, RunInputs } from './inputs';
import type { AnswerPair, Moment } from './latents';
import type {
  CausalEvent,
  CausalReport,
  CausalRequest,
  CheckpointReport,
  DeviceCheckReport,
  LensCost,
  LensReport,
  LensRequest,
  NamedFile,
  Source,
  Subject,
} from './lens';
import type { ModelFile, ModelFileRequest } from './model-files';
import type { KeptTeacher, TeacherSource } from './roles';
import type { OpenedRun, RunExportRequest } from './run-bundle';
import type { RunCost } from './run-cost';
import type { RunSnapshot } from './snapshot';
import type { StatesFile, StatesRequest } from './states';
import type { StoppingReport, StoppingRequest } from './stopping';
import type { ThoughtTestReport, ThoughtTestRequest } from './thought-test';
import type { AnswerDifference, BranchAnswer, ThoughtReport } from './thoughts';
import type { TokenPreview, TokenPreviewRequest } from './tokens';
import type { StorageErrors, WeightStorage } from './weight-storage';

/** Options of a call to the engine. `signal` cancels it; `report` is called with progress while it runs. */
export interface CallOptions<E = Progress> {
  readonly signal?: AbortSignal;
  readonly report?: (event: E) => void;
}

/** Options of a run. */
export interface RunOptions extends CallOptions<RunEvent> {
  /**
   * Writes a snapshot to where it outlasts the run. The run waits until it resolves, and goes on without it, saying so, if
   * it rejects. Without it nothing is kept.
   */
  readonly keep?: (snapshot: RunSnapshot) => Promise<void>;
}

export type Split = 'train' | 'validation' | 'held-out';

/** Whose weights the Latent thoughts panel steps through. */
export type StudentChoice = 'trained' | 'base' | 'opened';

/** How a latent is made from the last hidden state. */
export interface LatentChoice {
  readonly filter: 'softmax' | 'hidden';
  /** τ of the softmax filter. */
  readonly temperature: number;
}

/** A question to be stepped through. */
export interface QuestionRequest {
  readonly question: string;
  readonly expected?: string;
  readonly student: StudentChoice;
  /** K; by default as trained. */
  readonly steps?: number;
  /** Of the base: a student keeps its own. */
  readonly latent?: LatentChoice;
}

/**
 * The engine as the page and the headless lab see it: one loaded pair, one run at a time. Every call may reject with an
 * error that has `code`, `message` and `hint`; after a rejection the engine stays usable.
 */
export interface Workbench {
  /**
   * Opens the execution provider. `auto` takes WebGPU on a hardware adapter, otherwise WASM. A cancel does not wait for the
   * browser: what it still opens is closed.
   */
  open(provider: 'auto' | 'webgpu' | 'wasm', options?: CallOptions): Promise<DeviceReport>;
  /** Closes the execution provider. Models and students stay, for the next one. */
  closeDevice(): Promise<void>;
  /** Loads the pair whose manifest is at `url` (a folder). */
  loadPair(url: string, options?: CallOptions): Promise<PairReport>;
  /** Problems of the loaded pair's data set, from index `from`. */
  problems(split: Split, from: number, count: number): Promise<readonly Problem[]>;
  /** Analyses how low-rank hidden states are. Served between two steps of a run in progress. */
  lens(request: LensRequest, options?: CallOptions): Promise<LensReport>;
  /** What a request of the lens takes. Runs nothing, so it waits for nothing; rejects as the lens would before it starts. */
  lensCost(request: LensRequest): Promise<LensCost>;
  /** Hidden states as a file. Served between two steps of a run in progress. */
  exportStates(request: StatesRequest, options?: CallOptions): Promise<StatesFile>;
  /** A model, or a student with what was trained, as a file for other programs and for opening here again. */
  exportModel(request: ModelFileRequest, options?: CallOptions): Promise<ModelFile>;
  /** A run with its student as a zip: a bundle for this playground, or a program that trains on in PyTorch. */
  exportRun(request: RunExportRequest, options?: CallOptions): Promise<ModelFile>;
  /** Reads a run bundle; it is whole, or this rejects. */
  openRun(file: NamedFile): Promise<OpenedRun>;
  /** Tests whether directions matter: accuracy with hidden states projected onto r of them. Reports points as they come. */
  causal(request: CausalRequest, options?: CallOptions<Progress | CausalEvent>): Promise<CausalReport>;
  /** Lets a subject answer problems, and reports every answer as it comes. Served between two steps of a run in progress. */
  evaluate(request: EvaluationRequest, options?: CallOptions<Progress | EvaluationEvent>): Promise<Evaluated>;
  /** Answers problems as if a student with a stop head had stopped after every number of thoughts. */
  stopping(request: StoppingRequest, options?: CallOptions<Progress>): Promise<StoppingReport>;
  /** Tests whether a student's thoughts matter: the same problems with its thoughts replaced in many ways. */
  testThoughts(request: ThoughtTestRequest, options?: CallOptions<Progress>): Promise<ThoughtTestReport>;
  /** The student's checkpoints in the last run (or the one in progress), oldest first. */
  checkpoints(): Promise<readonly CheckpointReport[]>;
  /** Opens another model for the lens, from its files. It replaces the one opened before. */
  openCheckpoint(files: readonly NamedFile[], options?: CallOptions): Promise<ModelReport>;
  /**
   * Closes the opened model and frees what it took on the device; nothing if there is none. A student that was trained on it
   * stays, and its weights are read from its files again when they are needed.
   */
  closeCheckpoint(): Promise<void>;
  /**
   * Keeps the layers' matrices of the opened model so, from the next call that reads it; its report says which. An opened model
   * is kept as float32 where a text can then be read, else in as many bits as that takes.
   */
  storeWeights(storage: WeightStorage): Promise<ModelReport>;
  /** What 16, 8 and 4 bits change in the opened model: in its weights, and on a short text where that fits. */
  storageErrors(options?: CallOptions): Promise<StorageErrors>;
  /**
   * What a config.json (parsed) says of a model, before any of its weights are there: its report without bytes and hash.
   * Rejects with code `config` where such a model cannot be opened.
   */
  describeConfig(config: unknown): Promise<ModelReport>;
  /** Reads a data set from files, or from a URL of the page's own. It replaces the one opened before. */
  openData(
    from: readonly NamedFile[] | { readonly url: string; readonly sha256: string },
    reading: DataReading,
    options?: CallOptions,
  ): Promise<DataReport>;
  /** Rows of the opened data set. */
  dataRows(query: DataQuery): Promise<DataPage>;
  /** Counts the tokens of every row under a model's tokenizer; filters on tokens use the last count. */
  countTokens(subject: Subject, options?: CallOptions): Promise<TokenCounts>;
  /** What the hidden states of drawn rows take, before anything is run. */
  rowsCost(
    subject: Subject,
    source: Extract<Source, { kind: 'rows' }>,
    options?: CallOptions,
  ): Promise<RowsCost>;
  /** The tokens of typed texts, as they would be run. Runs nothing, so it waits for nothing. */
  previewTokens(request: TokenPreviewRequest): Promise<TokenPreview>;
  /** The tokens of a sample as a run's batch has them. Runs nothing, so it waits for nothing; rejects where the run would be refused. */
  runInputs(request: InputsRequest, options?: CallOptions): Promise<RunInputs>;
  /** Runs every kernel's stored cases on the open device. */
  checkDevice(options?: CallOptions): Promise<DeviceCheckReport>;
  /** Trains one student; resolves when it is done or stopped. */
  distil(config: RunConfig, options?: RunOptions): Promise<RunResult>;
  /**
   * Trains on from a snapshot's file, to the end of its run: on the device that it was made on, with the bits of a run that
   * was never interrupted. Rejects where models or data are not those of the file, or the run was done.
   */
  resume(file: Uint8Array<ArrayBuffer>, options?: RunOptions): Promise<RunResult>;
  /** Makes a snapshot's student the student, as if its run had just ended, and lists it among the checkpoints. */
  openStudent(file: Uint8Array<ArrayBuffer>): Promise<StudentReport>;
  /** What a run takes. Computes nothing with a model, so it waits for nothing; rejects where the run would be refused. */
  runCost(config: RunConfig, options?: CallOptions): Promise<RunCost>;
  /** Keeps what a configuration calls the kept teacher; default: the student there is. It stays when another model is opened. */
  keepTeacher(source?: TeacherSource): Promise<KeptTeacher>;
  /** `stop` ends the run properly: the student so far is kept and evaluated. Aborting the signal discards it. */
  control(command: 'pause' | 'resume' | 'stop'): Promise<void>;
  /** Opens a question for stepping. */
  openQuestion(request: QuestionRequest): Promise<LatentSession>;
  /** Everything there is to see of a thought. Reports progress while what its interventions name is gathered. */
  thought(moment: Moment, options?: CallOptions): Promise<ThoughtReport>;
  /** The answer after the thoughts of a moment. */
  answer(moment: Moment, options?: CallOptions): Promise<BranchAnswer>;
  /** Two answers to the open question, and how they differ. */
  compareAnswers(pair: AnswerPair, options?: CallOptions): Promise<AnswerDifference>;
  /** The teacher's explicit chain of thought on the same question. */
  explicit(question: string): Promise<ExplicitReport>;
  /** Continues a prompt; every token is reported as it is drawn. Served between two steps of a run in progress. */
  generate(request: GenerateRequest, options?: CallOptions<GenerateReporting>): Promise<GenerateReport>;
}
