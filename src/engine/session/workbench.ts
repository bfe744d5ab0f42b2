import type { CallOptions, QuestionRequest, RunOptions, Split, Workbench } from '../../contract/calls';
import type { RunConfig } from '../../contract/config';
import type {
  DataPage,
  DataQuery,
  DataReading,
  DataReport,
  RowsCost,
  TokenCounts,
} from '../../contract/data';
import type { Evaluated, EvaluationEvent, EvaluationRequest } from '../../contract/evaluation';
import type {
  DeviceReport,
  ExplicitReport,
  LatentSession,
  ModelReport,
  PairReport,
  Problem,
  Progress,
  RunResult,
  StudentReport,
} from '../../contract/events';
import type { GenerateReport, GenerateReporting, GenerateRequest } from '../../contract/generate';
import type { InputsRequest, RunInputs } from '../../contract/inputs';
import type { AnswerPair, Moment } from '../../contract/latents';
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
} from '../../contract/lens';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import type { ModelFile, ModelFileRequest } from '../../contract/model-files';
import type { KeptTeacher, TeacherSource } from '../../contract/roles';
import type { OpenedRun, RunExportRequest } from '../../contract/run-bundle';
import type { RunCost } from '../../contract/run-cost';
import type { StatesFile, StatesRequest } from '../../contract/states';
import type { StoppingReport, StoppingRequest } from '../../contract/stopping';
import type { ThoughtTestReport, ThoughtTestRequest } from '../../contract/thought-test';
import type { AnswerDifference, BranchAnswer, ThoughtReport } from '../../contract/thoughts';
import type { TokenPreview, TokenPreviewRequest } from '../../contract/tokens';
import type { StorageErrors, WeightStorage } from '../../contract/weight-storage';
import { checkDevice } from '../device-check/device-check';
import { RECIPES } from '../methods/index';
import type { Recipe } from '../recipes/shared/recipe';
import { causalTest } from './causal/causal';
import type { DataFrom, DataOptions } from './data/data-room';
import { Desk } from './desk';
import { evaluate } from './evaluation/evaluation';
import { ExportRoom } from './exports/export-room';
import { generate } from './generate/generate';
import { lensCost } from './lens/cost';
import { lens } from './lens/lens';
import type { Environment } from './models/environment';
import { ModelRoom } from './models/model-room';
import { describeConfig } from './models/opened';
import { resolveSubject } from './models/subjects';
import { previewTokens } from './prompts/preview';
import { QuestionRoom } from './questions/question-room';
import { RunRoom } from './runs/run-room';
import { exportStates } from './states/export';
import { stoppingReport } from './stopping/stopping';
import { testThoughts } from './thought-test/thought-test';

/**
 * The engine behind the page and the headless lab: one provider, one pair, one run at a time. Calls that use
 * the models are served one after another; each is passed to the room responsible for it.
 */
export class LoriWorkbench implements Workbench {
  private readonly desk: Desk;
  private readonly models: ModelRoom;
  private readonly runs: RunRoom;
  private readonly exports: ExportRoom;
  private readonly questions: QuestionRoom;

  /** @param recipes by method id  @param methods those that a configuration may name */
  constructor(
    environment: Environment,
    recipes: Readonly<Record<string, Recipe>> = RECIPES,
    methods: Methods = METHODS,
  ) {
    this.desk = new Desk(environment, recipes, methods);
    this.models = new ModelRoom(this.desk);
    this.runs = new RunRoom(this.desk);
    this.exports = new ExportRoom(this.desk, this.runs);
    this.questions = new QuestionRoom(this.desk);
  }

  open(provider: 'auto' | 'webgpu' | 'wasm', options: CallOptions = {}): Promise<DeviceReport> {
    return this.models.open(provider, options);
  }

  closeDevice(): Promise<void> {
    return this.models.closeDevice();
  }

  loadPair(url: string, options: CallOptions = {}): Promise<PairReport> {
    return this.models.loadPair(url, options);
  }

  async problems(split: Split, from: number, count: number): Promise<readonly Problem[]> {
    return this.models.problems(split, from, count);
  }

  openCheckpoint(files: readonly NamedFile[], options: CallOptions = {}): Promise<ModelReport> {
    return this.models.openCheckpoint(files, options);
  }

  storeWeights(storage: WeightStorage): Promise<ModelReport> {
    return this.models.storeWeights(storage);
  }

  storageErrors(options: CallOptions = {}): Promise<StorageErrors> {
    return this.models.storageErrors(options);
  }

  closeCheckpoint(): Promise<void> {
    return this.models.closeCheckpoint();
  }

  async describeConfig(config: unknown): Promise<ModelReport> {
    return describeConfig(config);
  }

  checkDevice(options: CallOptions = {}): Promise<DeviceCheckReport> {
    return this.desk.queue.between(async () => checkDevice(this.desk.provider(), options), options.signal);
  }

  lens(request: LensRequest, options: CallOptions = {}): Promise<LensReport> {
    const { states: cache, pace } = this.desk;
    return this.desk.onModels(options, (on) => lens({ ...on, cache, pace }, request, options));
  }

  async lensCost(request: LensRequest): Promise<LensCost> {
    const { opened, states: cache, pace } = this.desk;
    const { device, runtime } = opened ?? {};
    const loaded = this.desk.loadedModels();
    return lensCost({ device, provider: runtime?.provider, loaded, cache, pace }, request);
  }

  exportStates(request: StatesRequest, options: CallOptions = {}): Promise<StatesFile> {
    return this.desk.onModels(options, (on) => exportStates(on, request, options));
  }

  exportModel(request: ModelFileRequest, options: CallOptions = {}): Promise<ModelFile> {
    return this.exports.model(request, options);
  }

  exportRun(request: RunExportRequest, options: CallOptions = {}): Promise<ModelFile> {
    return this.exports.run(request, options);
  }

  openRun(file: NamedFile): Promise<OpenedRun> {
    return this.exports.openRun(file);
  }

  causal(request: CausalRequest, options: CallOptions<Progress | CausalEvent> = {}): Promise<CausalReport> {
    const cache = this.desk.states;
    return this.desk.onModels(options, (on) => causalTest({ ...on, cache }, request, options));
  }

  evaluate(
    request: EvaluationRequest,
    options: CallOptions<Progress | EvaluationEvent> = {},
  ): Promise<Evaluated> {
    return this.desk.onModels(options, (on) => evaluate(on, request, options));
  }

  stopping(request: StoppingRequest, options: CallOptions<Progress> = {}): Promise<StoppingReport> {
    return this.desk.onModels(options, (on) => stoppingReport(on, request, options));
  }

  testThoughts(request: ThoughtTestRequest, options: CallOptions<Progress> = {}): Promise<ThoughtTestReport> {
    return this.desk.onModels(options, (on) => testThoughts(on, request, options));
  }

  generate(request: GenerateRequest, options: CallOptions<GenerateReporting> = {}): Promise<GenerateReport> {
    const { generation: decoders, environment } = this.desk;
    const own = { decoders, maxStateBytes: environment.generatedStateBytes };
    return this.desk.onModels(options, (on) => generate({ ...on, ...own }, request, options));
  }

  openData(from: DataFrom, reading: DataReading, options: DataOptions = {}): Promise<DataReport> {
    const { data, environment, files } = this.desk;
    return files.alone(() => data.open(from, reading, { ...options, fetch: environment.fetch }));
  }

  async dataRows(query: DataQuery): Promise<DataPage> {
    return this.desk.data.rows(query);
  }

  countTokens(subject: Subject, options: CallOptions = {}): Promise<TokenCounts> {
    const { desk } = this;
    return desk.files.alone(async () =>
      desk.data.count(resolveSubject(subject, desk.loadedModels()), options),
    );
  }

  async rowsCost(
    subject: Subject,
    source: Extract<Source, { kind: 'rows' }>,
    options: CallOptions = {},
  ): Promise<RowsCost> {
    return this.desk.data.cost(resolveSubject(subject, this.desk.loadedModels()), source, options);
  }

  async previewTokens(request: TokenPreviewRequest): Promise<TokenPreview> {
    return previewTokens(request, this.desk.loadedModels());
  }

  runInputs(request: InputsRequest, options: CallOptions = {}): Promise<RunInputs> {
    return this.runs.inputs(request, options);
  }

  async distil(config: RunConfig, options: RunOptions = {}): Promise<RunResult> {
    return this.runs.distil(config, options);
  }

  resume(file: Uint8Array<ArrayBuffer>, options: RunOptions = {}): Promise<RunResult> {
    return this.runs.resume(file, options);
  }

  async control(command: 'pause' | 'resume' | 'stop'): Promise<void> {
    this.runs.control(command);
  }

  runCost(config: RunConfig, options: CallOptions = {}): Promise<RunCost> {
    return this.runs.cost(config, options);
  }

  async checkpoints(): Promise<readonly CheckpointReport[]> {
    return this.runs.checkpoints();
  }

  openStudent(file: Uint8Array<ArrayBuffer>): Promise<StudentReport> {
    return this.runs.openStudent(file);
  }

  keepTeacher(source: TeacherSource = { kind: 'student' }): Promise<KeptTeacher> {
    return this.runs.keepTeacher(source);
  }

  openQuestion(request: QuestionRequest): Promise<LatentSession> {
    return this.questions.open(request);
  }

  thought(at: Moment, options: CallOptions = {}): Promise<ThoughtReport> {
    return this.questions.thought(at, options);
  }

  answer(at: Moment, options: CallOptions = {}): Promise<BranchAnswer> {
    return this.questions.answer(at, options);
  }

  compareAnswers(pair: AnswerPair, options: CallOptions = {}): Promise<AnswerDifference> {
    return this.questions.compareAnswers(pair, options);
  }

  explicit(question: string): Promise<ExplicitReport> {
    return this.questions.explicit(question);
  }

  /** Frees everything once earlier calls are done; the workbench may be opened again. */
  close(): Promise<void> {
    return this.desk.queue.alone(() => this.models.close());
  }
}
