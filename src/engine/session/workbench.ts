import type {
  CallOptions,
  LatentChoice,
  RunOptions,
  Split,
  StudentChoice,
  Workbench,
} from '../../contract/calls';
import { parseRunConfig, type RunConfig } from '../../contract/config';
import type {
  DataPage,
  DataQuery,
  DataReading,
  DataReport,
  RowsCost,
  TokenCounts,
} from '../../contract/data';
import type { Evaluation, EvaluationEvent, EvaluationRequest } from '../../contract/evaluation';
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
import { type AnswerPair, answerPair, type Moment, moment } from '../../contract/latents';
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
import { METHODS, methodOf } from '../../contract/methods/index';
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
import { InputError } from '../base/errors';
import { checkDevice } from '../device-check/device-check';
import { RECIPES } from '../methods/index';
import type { Recipe } from '../recipes/shared/recipe';
import { checkTrainable, parametersOf } from '../recipes/shared/trained';
import { causalTest } from './causal/causal';
import { type DataFrom, DataRoom } from './data/data-room';
import { evaluate } from './evaluation/evaluation';
import { ExclusiveQueue } from './exclusive-queue';
import { exportModel } from './exports/export';
import { exportRun } from './exports/export-run';
import { readRunBundle } from './exports/read-bundle';
import { GenerationDecoders } from './generate/decoders';
import { generate } from './generate/generate';
import type { LatentStepper } from './latents/latent-stepper';
import type { Asking } from './latents/vectors';
import { lensCost } from './lens/cost';
import { lens } from './lens/lens';
import { LensPace } from './lens/pace';
import { StatesCache } from './lens/states-cache';
import { closeProvider, type Environment, noDevice, type Opened, openProvider } from './models/environment';
import { checkWidths } from './models/equal-widths';
import { keptTeacher } from './models/kept-teacher';
import { describeConfig, openModel } from './models/opened';
import { type LoadedModel, loadPair, modelsOf, type Pair } from './models/pair';
import { ProblemSet, problemOf } from './models/problems';
import { isBundled, resolveRoles, rolesOfStudent } from './models/resolve-roles';
import type { Roles } from './models/roles';
import { storageErrors } from './models/storage-errors';
import { type LoadedModels, type OpenedModel, resolveSubject, steppedOf } from './models/subjects';
import { storedAs, usuallyStored } from './models/weight-storage';
import { parseRequest } from './parse-request';
import { previewTokens } from './prompts/preview';
import { Questions } from './questions/questions';
import type { RunContext } from './runs/context';
import { LoopControl } from './runs/control';
import { costOf, planOf, rationaleRead } from './runs/plan';
import { studentOf } from './runs/resume';
import { runDistillation } from './runs/run';
import { runData } from './runs/run-data';
import { RunPace } from './runs/run-pace';
import { type OpenedSnapshot, readSnapshot, snapshotBytes } from './runs/snapshot-file';
import { stagesOf } from './runs/stages';
import { reportOf, type Student } from './runs/student';
import { Students } from './runs/students';
import { teacherAccuracy } from './runs/teacher-accuracy';
import { exportStates } from './states/export';
import { stoppingReport } from './stopping/stopping';
import { testThoughts } from './thought-test/thought-test';

/**
 * The engine behind the page and the headless lab: one provider, one pair, one run at a time. Calls that use the models
 * are served one after another.
 */
export class LoriWorkbench implements Workbench {
  private opened: Opened | undefined;
  private loaded: { pair: Pair; problems: ProblemSet } | undefined;
  private running: { control: LoopControl; signal: AbortSignal | undefined } | undefined;
  private readonly students = new Students(() => {
    this.questions.close();
    this.states.drop('student');
  });
  private openedModel: OpenedModel | undefined;
  private readonly questions = new Questions(() => ({ ...this.provider(), ...this.loaded }));
  private readonly data = new DataRoom();
  /** Hidden states the lens has gathered. */
  private readonly states = new StatesCache();
  private readonly pace = new LensPace();
  private readonly runPace = new RunPace();
  private readonly generation = new GenerationDecoders();
  private readonly queue = new ExclusiveQueue();
  /** Reading files uses no model, so it has a queue of its own. */
  private readonly files = new ExclusiveQueue();

  /** @param recipes by the id of a method; @param methods what a configuration may name */
  constructor(
    private readonly environment: Environment,
    private readonly recipes: Readonly<Record<string, Recipe>> = RECIPES,
    private readonly methods: Methods = METHODS,
  ) {}

  open(provider: 'auto' | 'webgpu' | 'wasm', { signal }: CallOptions = {}): Promise<DeviceReport> {
    return this.alone('open a provider', async () => {
      // If the new one cannot be opened, the old one and everything made on it stay.
      const opened = await openProvider(provider, this.environment, signal);
      await this.leave();
      this.opened = opened;
      return opened.report;
    });
  }

  closeDevice(): Promise<void> {
    return this.alone('close the provider', () => this.leave());
  }

  loadPair(url: string, options: CallOptions = {}): Promise<PairReport> {
    return this.alone('load models', async () => {
      const { pair, report } = await loadPair(url, { ...options, fetch: this.environment.fetch });
      const problems = new ProblemSet(pair.manifest.data, pair.codec);
      await this.forget();
      this.loaded = { pair, problems };
      return report;
    });
  }

  async problems(split: Split, from: number, count: number): Promise<readonly Problem[]> {
    const { student } = this;
    if (student?.config.roles.data === 'opened' && student.examples && split !== 'validation') {
      const own = student.examples[split === 'train' ? 'training' : 'heldOut'];
      return own.slice(from, from + count).map(problemOf);
    }
    return this.ready().problems.take(split, from, count).map(problemOf);
  }

  lens(request: LensRequest, options: CallOptions = {}): Promise<LensReport> {
    return this.onModels(options, (on) => lens({ ...on, ...this.lensParts() }, request, options));
  }

  async lensCost(request: LensRequest): Promise<LensCost> {
    const { device, runtime } = this.opened ?? {};
    return lensCost({ device, provider: runtime?.provider, ...this.lensParts() }, request);
  }

  exportStates(request: StatesRequest, options: CallOptions = {}): Promise<StatesFile> {
    return this.onModels(options, (on) => exportStates(on, request, options));
  }

  exportModel(request: ModelFileRequest, options: CallOptions = {}): Promise<ModelFile> {
    return this.queue.between(async () => exportModel(this.loadedModels(), request, options), options.signal);
  }

  exportRun(request: RunExportRequest, options: CallOptions = {}): Promise<ModelFile> {
    const rolesFor = (config: RunConfig) => {
      const recipe = this.recipeOf(config.method);
      return { recipe, roles: this.rolesFor(config, recipe) };
    };
    return this.queue.between(async () => {
      const { methods, opened } = this;
      return exportRun(this.loadedModels(), request, {
        methods,
        rolesFor,
        device: opened?.report,
        ...options,
      });
    }, options.signal);
  }

  openRun(file: NamedFile): Promise<OpenedRun> {
    return this.files.alone(() => readRunBundle(file, this.methods));
  }

  causal(request: CausalRequest, options: CallOptions<Progress | CausalEvent> = {}): Promise<CausalReport> {
    return this.onModels(options, (on) => causalTest({ ...on, cache: this.states }, request, options));
  }

  evaluate(
    request: EvaluationRequest,
    options: CallOptions<Progress | EvaluationEvent> = {},
  ): Promise<Evaluation> {
    return this.onModels(options, (on) => evaluate(on, request, options));
  }

  stopping(request: StoppingRequest, options: CallOptions<Progress> = {}): Promise<StoppingReport> {
    return this.onModels(options, (on) => stoppingReport(on, request, options));
  }

  testThoughts(request: ThoughtTestRequest, options: CallOptions<Progress> = {}): Promise<ThoughtTestReport> {
    return this.onModels(options, (on) => testThoughts(on, request, options));
  }

  async checkpoints(): Promise<readonly CheckpointReport[]> {
    return this.students.checkpoints.list(this.methods);
  }

  openCheckpoint(files: readonly NamedFile[], options: CallOptions = {}): Promise<ModelReport> {
    return this.files.alone(async () => {
      const { openedModel, loaded } = this;
      const bases = { opened: openedModel, others: loaded ? modelsOf(loaded.pair) : [] };
      const opened = await openModel(files, { ...options, bases, readBlob: this.environment.readBlob });
      const report = await this.replaceOpened(usuallyStored(opened, this.opened?.report.provider));
      this.data.forgetTokens();
      return report;
    });
  }

  storeWeights(storage: WeightStorage): Promise<ModelReport> {
    return this.files.alone(async () => this.replaceOpened(storedAs(this.openedModel, storage)));
  }

  storageErrors(options: CallOptions = {}): Promise<StorageErrors> {
    return this.queue.between(
      async () => storageErrors(this.provider(), this.openedModel, options),
      options.signal,
    );
  }

  closeCheckpoint(): Promise<void> {
    return this.alone('close the opened model', async () => {
      const before = this.putOpened(undefined);
      this.data.forgetTokens();
      if (!before) return;
      await this.dropDecoders(before);
      await this.opened?.models.close(before.model);
    });
  }

  /** Frees the opened model that was there before. */
  private async replaceOpened(next: OpenedModel): Promise<ModelReport> {
    const before = this.putOpened(next);
    if (before) {
      // Once nothing uses them: generation may be under way.
      void this.queue.between(() => this.dropDecoders(before));
      await this.opened?.models.close(before.model);
    }
    return next.model.report;
  }

  private putOpened(next: OpenedModel | undefined): OpenedModel | undefined {
    const before = this.openedModel;
    this.openedModel = next;
    this.states.drop('opened');
    return before;
  }

  private async dropDecoders({ model }: OpenedModel): Promise<void> {
    await this.generation.drop(model);
    await this.questions.dropModel(model);
  }

  async describeConfig(config: unknown): Promise<ModelReport> {
    return describeConfig(config);
  }

  openData(from: DataFrom, reading: DataReading, options: CallOptions = {}): Promise<DataReport> {
    return this.files.alone(() =>
      this.data.open(from, reading, { ...options, fetch: this.environment.fetch }),
    );
  }

  async dataRows(query: DataQuery): Promise<DataPage> {
    return this.data.rows(query);
  }

  countTokens(subject: Subject, options: CallOptions = {}): Promise<TokenCounts> {
    return this.files.alone(async () =>
      this.data.count(resolveSubject(subject, this.loadedModels()), options),
    );
  }

  async rowsCost(
    subject: Subject,
    source: Extract<Source, { kind: 'rows' }>,
    options: CallOptions = {},
  ): Promise<RowsCost> {
    return this.data.cost(resolveSubject(subject, this.loadedModels()), source, options);
  }

  async previewTokens(request: TokenPreviewRequest): Promise<TokenPreview> {
    return previewTokens(request, this.loadedModels());
  }

  checkDevice(options: CallOptions = {}): Promise<DeviceCheckReport> {
    return this.queue.between(async () => checkDevice(this.provider(), options), options.signal);
  }

  async distil(value: RunConfig, options: RunOptions = {}): Promise<RunResult> {
    return this.start(parseRunConfig(value, this.methods), options);
  }

  async resume(file: Uint8Array<ArrayBuffer>, options: RunOptions = {}): Promise<RunResult> {
    const from = await readSnapshot(file, this.methods);
    return this.start(from.header.config, options, from);
  }

  openStudent(file: Uint8Array<ArrayBuffer>): Promise<StudentReport> {
    return this.alone('open a student', async () => {
      const snapshot = await readSnapshot(file, this.methods);
      const student = this.studentOf(snapshot);
      this.students.open(student);
      return reportOf(student, this.methods);
    });
  }

  async runCost(value: RunConfig, { signal }: CallOptions = {}): Promise<RunCost> {
    const { runtime } = this.provider();
    const config = parseRunConfig(value, this.methods);
    const recipe = this.recipeOf(config.method);
    const roles = this.rolesFor(config, recipe);
    const asked = { rationale: rationaleRead(config, recipe), signal };
    const data = await runData(config, roles, this.loadedModels(), asked);
    const plan = planOf(config, recipe, roles, stagesOf(config, this.methods), data);
    const { heldStatesBytes } = this.environment;
    const cost = costOf(config, recipe, roles, {
      ...{ runtime, data, plan, heldStatesBytes },
      pace: this.runPace,
    });
    return { ...cost, kept: snapshotBytes(parametersOf(recipe, config, roles.student.config).all, config) };
  }

  /** @throws InputError, ConfigError where the models of a configuration are not there or do not go together */
  private rolesFor(config: RunConfig, recipe: Recipe): Roles {
    const roles = resolveRoles(config, this.loadedModels());
    checkTrainable(recipe, config, roles.student.config);
    if (recipe.usesTeacher(config))
      checkWidths(roles, recipe.comparesStates?.(config) ?? [methodOf(config.method, this.methods).label]);
    return roles;
  }

  keepTeacher(source: TeacherSource = { kind: 'student' }): Promise<KeptTeacher> {
    return this.queue.between(async () => {
      const studentIn = async (file: Uint8Array<ArrayBuffer>) =>
        this.studentOf(await readSnapshot(file, this.methods));
      const kept = await keptTeacher(source, this.loadedModels(), studentIn);
      this.students.teacher = kept;
      const { label, model, sha256 } = kept;
      return { label, model: model.report.name, sha256 };
    });
  }

  private studentOf(snapshot: OpenedSnapshot): Student {
    return studentOf(snapshot, {
      roles: rolesOfStudent(snapshot.header, this.loadedModels()),
      recipe: this.recipeOf,
      methods: this.methods,
      id: this.students.nextId(),
    });
  }

  private async start(config: RunConfig, options: RunOptions, from?: OpenedSnapshot): Promise<RunResult> {
    if (this.running) throw new InputError('a run is already in progress', 'Stop it first.');
    const control = new LoopControl();
    this.running = { control, signal: options.signal };
    // A paused run waits; cancelling must wake it.
    const wake = (): void => control.resume();
    options.signal?.addEventListener('abort', wake);
    return this.queue
      .alone(() => this.run(config, control, options, from))
      .finally(() => {
        options.signal?.removeEventListener('abort', wake);
        this.running = undefined;
      });
  }

  private async run(
    config: RunConfig,
    control: LoopControl,
    options: RunOptions,
    from?: OpenedSnapshot,
  ): Promise<RunResult> {
    const { runtime, models, device } = this.provider();
    const recipe = this.recipeOf(config.method);
    const loaded = this.loadedModels();
    const roles = this.rolesFor(config, recipe);
    const context: RunContext = {
      ...{ runtime, models, device, roles },
      heldStatesBytes: this.environment.heldStatesBytes,
      data: (o) => runData(config, roles, loaded, o),
      recipes: this.recipes,
      studentId: this.students.nextId(),
      methods: this.methods,
      teacherAccuracy: (data, o) =>
        isBundled(config, roles, loaded)
          ? this.questions.teacherAccuracy(data.heldOut.length, o)
          : teacherAccuracy(models, roles, data, o),
      queuedCalls: this.queue,
      pace: this.runPace,
    };
    return this.students.during(
      (sink) => runDistillation(context, config, control, sink, options, from),
      // With its checkpoints goes what the lens gathered from them.
      () => this.states.drop('student'),
    );
  }

  private readonly recipeOf = (method: string): Recipe => {
    const recipe = this.recipes[method];
    if (!recipe)
      throw new InputError(
        `there is no recipe for the method "${method}"`,
        `Choose one of ${Object.keys(this.recipes).join(', ')}.`,
      );
    return recipe;
  };

  async control(command: 'pause' | 'resume' | 'stop'): Promise<void> {
    if (!this.running) throw new InputError(`there is no run to ${command}`, 'Start a run first.');
    this.running.control[command]();
  }

  openQuestion(request: {
    question: string;
    expected?: string;
    student: StudentChoice;
    steps?: number;
    latent?: LatentChoice;
  }): Promise<LatentSession> {
    return this.queue.between(async () => {
      if (request.student !== 'trained') this.ready();
      if (request.student === 'trained' && !this.student)
        throw new InputError(
          'no student has been trained yet',
          'Distil one first, or step through the untrained base.',
        );
      if (request.student === 'opened')
        return this.questions.open(request, undefined, steppedOf(this.openedModel));
      return this.questions.open(request, request.student === 'trained' ? this.student : undefined);
    });
  }

  thought(value: Moment, options: CallOptions = {}): Promise<ThoughtReport> {
    return this.atMoment(value, options, (stepper, at, asking) => stepper.thought(at, asking));
  }

  answer(value: Moment, options: CallOptions = {}): Promise<BranchAnswer> {
    return this.atMoment(value, options, (stepper, at, asking) => stepper.answer(at, asking));
  }

  async compareAnswers(value: AnswerPair, options: CallOptions = {}): Promise<AnswerDifference> {
    const { before, after } = parseRequest(answerPair, value);
    if (before.session !== after.session)
      throw new InputError(
        `questions ${before.session} and ${after.session}; answers to one question are compared`,
        'Choose two branches of the same question.',
      );
    return this.atMoment(before, options, (stepper, at, asking) => stepper.compare(at, after, asking));
  }

  private async atMoment<T>(
    value: Moment,
    options: CallOptions,
    work: (stepper: LatentStepper, at: Moment, asking: Asking) => Promise<T>,
  ): Promise<T> {
    const at = parseRequest(moment, value);
    const { signal, report } = options;
    const start = performance.now();
    const onProgress = (done: number, total: number): void =>
      report?.({ phase: 'states', done, total, unit: 'problems', elapsed: performance.now() - start });
    return this.queue.between(
      async () => work(this.questions.at(at.session), at, { signal, onProgress }),
      signal,
    );
  }

  explicit(question: string): Promise<ExplicitReport> {
    return this.queue.between(() => this.questions.explicit(question));
  }

  generate(request: GenerateRequest, options: CallOptions<GenerateReporting> = {}): Promise<GenerateReport> {
    return this.onModels(options, (on) => generate({ ...on, decoders: this.generation }, request, options));
  }

  /** Frees everything once earlier calls are done; the workbench may be opened again. */
  close(): Promise<void> {
    return this.queue.alone(async () => {
      await this.leave();
      await this.forget();
      this.openedModel = undefined;
      this.data.close();
    });
  }

  /** Closes the provider. Models and students stay in host memory: losing the GPU loses neither. */
  private async leave(): Promise<void> {
    await this.questions.drop();
    await this.generation.drop();
    this.states.drop();
    this.pace.forgetDevice();
    this.runPace.forgetDevice();
    if (this.opened) await closeProvider(this.opened);
    this.opened = undefined;
  }

  /** That of the last run. */
  private get student(): Student | undefined {
    return this.students.last;
  }

  private ready() {
    const { runtime, models, device } = this.provider();
    if (!this.loaded) throw new InputError('no models are loaded', 'Load the bundled pair first.');
    return { runtime, models, device, ...this.loaded };
  }

  private provider(): Opened {
    if (!this.opened) throw noDevice();
    return this.opened;
  }

  /** Works on the provider and the models that are there when earlier calls are done; also between two steps of a run. */
  private onModels<T>(
    { signal }: Pick<CallOptions, 'signal'>,
    work: (on: Opened & { readonly loaded: LoadedModels }) => Promise<T>,
  ): Promise<T> {
    return this.queue.between(async () => work({ ...this.provider(), loaded: this.loadedModels() }), signal);
  }

  /** What the lens may look at; without a pair, only the opened checkpoint. */
  private loadedModels(): LoadedModels {
    return {
      ...this.loaded,
      student: this.student,
      kept: this.students.teacher,
      checkpoints: this.students.checkpoints.byId,
      opened: this.openedModel,
      provider: this.opened?.report.provider,
      data: this.data.opened,
    };
  }

  private lensParts() {
    return { loaded: this.loadedModels(), cache: this.states, pace: this.pace };
  }

  /** Drops everything made from the loaded pair. */
  private async forget(): Promise<void> {
    await this.questions.forget();
    this.states.drop();
    const pair = this.loaded?.pair;
    this.students.forget(pair ? modelsIn(pair) : []);
    this.loaded = undefined;
    for (const model of pair ? modelsIn(pair) : []) {
      await this.generation.drop(model);
      await this.opened?.models.close(model);
    }
  }

  /**
   * After all earlier calls, and refused during a run: it would wait for minutes, or forever if the run is paused. A run
   * that was stopped or cancelled is waited for.
   */
  private async alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    const ending = this.running?.control.stopped || this.running?.signal?.aborted;
    if (this.running && !ending)
      throw new InputError(
        `cannot ${what} while a run is in progress`,
        'Stop it first, or wait until it ends.',
      );
    return this.queue.alone(work);
  }
}

const modelsIn = ({ base, teacher }: Pair): readonly LoadedModel[] => [base, teacher];
