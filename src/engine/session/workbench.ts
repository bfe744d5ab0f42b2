import type { CallOptions, Split, StudentChoice, Workbench } from '../../contract/calls';
import { MOST_LATENT_STEPS, parseRunConfig, type RunConfig } from '../../contract/config';
import type {
  Accuracy,
  AnswerReport,
  DeviceReport,
  ExplicitReport,
  LatentSession,
  LatentThought,
  ModelReport,
  PairReport,
  Problem,
  Progress,
  RunEvent,
  RunResult,
  SpectraReport,
} from '../../contract/events';
import type {
  CausalEvent,
  CausalReport,
  CausalRequest,
  CheckpointReport,
  DeviceCheckReport,
  LensReport,
  LensRequest,
  NamedFile,
} from '../../contract/lens';
import { InputError } from '../base/errors';
import { layoutOf, leftPad } from '../data/batch';
import type { Decoder } from '../decode/decoder';
import { accuracy } from '../eval/accuracy';
import type { DeviceTensor } from '../runtime/tensor';
import { LoopControl } from '../train/loop';
import { explicitThought, LatentStepper } from './latents';
import { noDevice, type Opened, openProvider, type Surroundings } from './open';
import { loadPair, type Pair } from './pair';
import { type Example, POOL, ProblemSet, problemOf } from './problems';
import { checkRun, type RunContext, runDistillation } from './run';
import { teacherSpectra } from './spectra';
import {
  answerLimit,
  decoderFor,
  EVALUATION_BATCH,
  explicitKeys,
  explicitLimit,
  filterOf,
  latentKeys,
  type Student,
} from './student';

/** Held-out problems whose lengths fix what a typed question may be: the longest of them, and some room. */
const MEASURED = 512;
const QUESTION_ROOM = 8;

/**
 * The engine behind the page and the headless lab: one provider, one pair, one run at a time. Calls that use the models
 * are served in turn.
 */
export class LoriWorkbench implements Workbench {
  private opened: Opened | undefined;
  private loaded: { pair: Pair; problems: ProblemSet } | undefined;
  private running: LoopControl | undefined;
  private student: Student | undefined;
  /** The packs of the student that is stepped through. */
  private adapter: readonly DeviceTensor[] = [];
  private stepper: { session: number; stepper: LatentStepper } | undefined;
  private sessions = 0;
  private readonly decoders = new Map<string, Decoder>();
  private readonly warm = new WeakSet<Decoder>();
  private readonly measured = new Map<number, Accuracy>();
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly around: Surroundings) {}

  open(provider: 'auto' | 'webgpu' | 'wasm'): Promise<DeviceReport> {
    return this.inTurn(async () => {
      // Where the new one cannot be had, the old one and everything made on it stay.
      const opened = await openProvider(provider, this.around);
      await this.leave();
      this.opened = opened;
      return opened.report;
    });
  }

  loadPair(url: string, options: CallOptions = {}): Promise<PairReport> {
    return this.inTurn(async () => {
      const { pair, report } = await loadPair(url, { ...options, fetch: this.around.fetch });
      const problems = new ProblemSet(pair.manifest.data, pair.codec);
      this.forget();
      this.loaded = { pair, problems };
      return report;
    });
  }

  async problems(split: Split, from: number, count: number): Promise<readonly Problem[]> {
    return this.ready().problems.take(split, from, count).map(problemOf);
  }

  spectra(request: { samples: number; seed: number }, options: CallOptions = {}): Promise<SpectraReport> {
    return this.inTurn(() => {
      const { pair, problems, runtime } = this.ready();
      if (!Number.isInteger(request.samples) || request.samples < 1 || request.samples > POOL)
        throw new InputError(
          `${request.samples} samples; a whole number from 1 to ${POOL} is expected`,
          'Choose another number of samples.',
        );
      return teacherSpectra(
        runtime,
        pair,
        problems.sample(request.seed, request.samples),
        request.seed,
        options,
      );
    });
  }

  lens(_request: LensRequest, _options: CallOptions = {}): Promise<LensReport> {
    return Promise.reject(new InputError('the lens is not open yet'));
  }

  causal(_request: CausalRequest, _options: CallOptions<Progress | CausalEvent> = {}): Promise<CausalReport> {
    return Promise.reject(new InputError('the causal test is not open yet'));
  }

  checkpoints(): Promise<readonly CheckpointReport[]> {
    return Promise.reject(new InputError('checkpoints are not kept yet'));
  }

  openCheckpoint(_files: readonly NamedFile[], _options: CallOptions = {}): Promise<ModelReport> {
    return Promise.reject(new InputError('no checkpoint can be opened yet'));
  }

  checkDevice(_options: CallOptions = {}): Promise<DeviceCheckReport> {
    return Promise.reject(new InputError('the device cannot be checked yet'));
  }

  async distil(value: RunConfig, options: CallOptions<RunEvent> = {}): Promise<RunResult> {
    if (this.running) throw new InputError('a run is going on already', 'Stop it first.');
    const config = parseRunConfig(value);
    const control = new LoopControl();
    this.running = control;
    // A paused loop waits; cancelling must wake it.
    const wake = (): void => control.resume();
    options.signal?.addEventListener('abort', wake);
    return this.inTurn(async () => {
      const ready = this.ready();
      checkRun(config, ready.pair);
      const context: RunContext = {
        ...ready,
        device: this.opened?.device,
        teacherAccuracy: (count, o) => this.teacherAccuracy(count, o),
      };
      return runDistillation(context, config, control, (student) => this.keep(student), options);
    }).finally(() => {
      options.signal?.removeEventListener('abort', wake);
      this.running = undefined;
    });
  }

  async control(command: 'pause' | 'resume' | 'stop'): Promise<void> {
    if (!this.running) throw new InputError(`there is no run to ${command}`);
    this.running[command]();
  }

  openQuestion(request: {
    question: string;
    expected?: string;
    student: StudentChoice;
    steps?: number;
  }): Promise<LatentSession> {
    return this.inTurn(async () => {
      const { pair } = this.ready();
      const { student } = this;
      if (request.student === 'trained' && !student)
        throw new InputError(
          'no student has been trained yet',
          'Distil one first, or step through the untrained base.',
        );
      const trained = request.student === 'trained' ? student : undefined;
      const latentSteps = request.steps ?? trained?.latentSteps ?? parseRunConfig({}).latent.steps;
      if (!Number.isInteger(latentSteps) || latentSteps < 0 || latentSteps > MOST_LATENT_STEPS)
        throw new InputError(
          `${latentSteps} latent steps; a whole number from 0 to ${MOST_LATENT_STEPS} is expected`,
        );
      const decoder = await this.studentDecoder(trained, latentSteps);
      this.sessions++;
      const stepper = await LatentStepper.open(pair, decoder, {
        session: this.sessions,
        question: request.question,
        expected: request.expected ?? null,
        student: trained?.label ?? 'the base, untrained',
        latentSteps,
        limit: answerLimit(this.layout()),
      });
      this.stepper = { session: this.sessions, stepper };
      return stepper.report;
    });
  }

  stepLatent(session: number): Promise<LatentThought> {
    return this.inTurn(() => this.current(session).step());
  }

  answer(session: number): Promise<AnswerReport> {
    return this.inTurn(() => this.current(session).answer());
  }

  explicit(question: string): Promise<ExplicitReport> {
    return this.inTurn(async () =>
      explicitThought(
        this.ready().pair,
        await this.teacherDecoder(1),
        question,
        explicitLimit(this.layout()),
      ),
    );
  }

  /** Frees everything, after the calls made before; the workbench may be opened again. */
  close(): Promise<void> {
    return this.inTurn(() => this.shut());
  }

  private async shut(): Promise<void> {
    await this.leave();
    this.forget();
  }

  /** Closes the provider. The pair and the student are in host memory and stay: a lost GPU costs neither. */
  private async leave(): Promise<void> {
    this.dropDecoders();
    await this.opened?.runtime.dispose();
    this.opened?.device?.destroy();
    this.opened = undefined;
  }

  private ready() {
    if (!this.opened) throw noDevice();
    if (!this.loaded) throw new InputError('no models are loaded', 'Load the bundled pair first.');
    return { runtime: this.opened.runtime, ...this.loaded };
  }

  private current(session: number): LatentStepper {
    if (this.stepper?.session !== session)
      throw new InputError(`question ${session} is not open any more`, 'Open it again.');
    return this.stepper.stepper;
  }

  private layout() {
    const { problems, pair } = this.ready();
    const layout = layoutOf(
      problems.take('held-out', 0, MEASURED).map((e) => e.tokens),
      pair.codec,
      1,
    );
    return { ...layout, question: layout.question + QUESTION_ROOM };
  }

  private async studentDecoder(student: Student | undefined, latentSteps: number): Promise<Decoder> {
    const { runtime, pair } = this.ready();
    const layout = this.layout();
    const filter = student?.filter ?? filterOf(parseRunConfig({}));
    const lora = student?.lora;
    const decoder = await this.cached(`student ${JSON.stringify([lora, filter, latentSteps])}`, () =>
      decoderFor(runtime, pair.base, {
        batch: 1,
        question: layout.question,
        keys: latentKeys(layout, latentSteps),
        lora,
        filter,
      }),
    );
    this.dropAdapter();
    this.adapter = (student?.packs ?? []).map((data, i) =>
      runtime.upload({ dtype: 'f32', shape: [data.length], data }, `student ${i}`),
    );
    decoder.setAdapter(this.adapter);
    return this.warmed(decoder);
  }

  private async teacherDecoder(batch: number): Promise<Decoder> {
    const { runtime, pair } = this.ready();
    const layout = this.layout();
    const decoder = await this.cached(`teacher ${batch}`, () =>
      decoderFor(runtime, pair.teacher, {
        batch,
        question: layout.question,
        keys: explicitKeys(layout),
        filter: { kind: 'hidden', temperature: 1 },
      }),
    );
    return this.warmed(decoder);
  }

  /** Runs each program once, so that what a person sees timed is the model and not a first call's preparations. */
  private async warmed(decoder: Decoder): Promise<Decoder> {
    if (this.warm.has(decoder)) return decoder;
    const { batch, question } = decoder.shape;
    const { ids, keyMask } = leftPad(new Array<number[]>(batch).fill([0]), question, 0);
    await decoder.begin(ids, keyMask);
    await decoder.feedTokens(new Array<number>(batch).fill(0));
    await decoder.logits();
    this.warm.add(decoder);
    return decoder;
  }

  private async teacherAccuracy(count: number, options: CallOptions): Promise<Accuracy> {
    const known = this.measured.get(count);
    if (known) return known;
    const { pair, problems } = this.ready();
    const decoder = await this.teacherDecoder(EVALUATION_BATCH);
    const start = performance.now();
    const share = await accuracy({
      decoder,
      codec: pair.codec,
      tokenizer: pair.tokenizer,
      endIds: pair.teacher.endIds,
      problems: problems
        .take('held-out', 0, count)
        .map((e: Example) => ({ tokens: e.tokens, answer: e.problem.answer })),
      mode: 'explicit',
      limit: explicitLimit(this.layout()),
      signal: options.signal,
      onProgress: (done, total) =>
        options.report?.({
          phase: 'evaluate',
          done,
          total,
          unit: 'problems',
          elapsed: performance.now() - start,
        }),
    });
    this.measured.set(count, share);
    return share;
  }

  private async cached(key: string, make: () => Promise<Decoder>): Promise<Decoder> {
    const known = this.decoders.get(key);
    if (known) return known;
    const made = await make();
    this.decoders.set(key, made);
    return made;
  }

  private keep(student: Student): void {
    this.student = student;
    this.stepper = undefined;
  }

  /** Drops what was made of the loaded pair. */
  private forget(): void {
    this.dropDecoders();
    this.measured.clear();
    this.student = undefined;
    this.loaded = undefined;
  }

  private dropDecoders(): void {
    for (const decoder of this.decoders.values()) decoder.dispose();
    this.decoders.clear();
    this.dropAdapter();
    this.stepper = undefined;
  }

  private dropAdapter(): void {
    for (const pack of this.adapter) pack.dispose();
    this.adapter = [];
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}
