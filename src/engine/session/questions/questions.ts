import type { CallOptions } from '../../../contract/calls';
import { MAX_LATENT_STEPS, parseRunConfig } from '../../../contract/config';
import type { Accuracy, ExplicitReport, LatentSession } from '../../../contract/events';
import { InputError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { layoutOf, leftPad } from '../../data/batch';
import type { Decoder } from '../../decode/decoder';
import { accuracy } from '../../eval/accuracy';
import type { DeviceTensor } from '../../runtime/tensor';
import type { DeviceModels } from '../models/device-models';
import type { Pair } from '../models/pair';
import type { ProblemSet } from '../models/problems';
import {
  answerLimit,
  decoderFor,
  EVALUATION_BATCH,
  explicitKeys,
  explicitLimit,
  filterOf,
  latentKeys,
  type Student,
} from '../runs/student';
import { explicitThought, LatentStepper } from './latent-stepper';

/** Held-out problems whose lengths fix what a typed question may be: the longest of them, and some room. */
const MEASURED = 512;
const QUESTION_ROOM = 8;

interface Models {
  readonly models: DeviceModels;
  readonly pair: Pair;
  readonly problems: ProblemSet;
}

/** Questions put to student and teacher, one open at a time, with the decoders made for them. */
export class Questions {
  /** The packs of the student that is stepped through. */
  private adapter: readonly DeviceTensor[] = [];
  private stepper: { session: number; stepper: LatentStepper } | undefined;
  private sessions = 0;
  private readonly decoders = new Map<string, Decoder>();
  private readonly warm = new WeakSet<Decoder>();
  private readonly measured = new Map<number, Accuracy>();
  private lengths: TokenLayout | undefined;

  /** @param models what is loaded, or throws what to do first */
  constructor(private readonly models: () => Models) {}

  /**
   * Opens a question for the trained student, or the untrained base. K as trained, unless given.
   * @throws InputError for a number of latent steps that cannot be, or a question that is empty or too long
   */
  async open(
    request: { readonly question: string; readonly expected?: string; readonly steps?: number },
    student: Student | undefined,
  ): Promise<LatentSession> {
    const { pair } = this.models();
    const latentSteps = request.steps ?? student?.latentSteps ?? parseRunConfig({}).latent.steps;
    if (!Number.isInteger(latentSteps) || latentSteps < 0 || latentSteps > MAX_LATENT_STEPS)
      throw new InputError(
        `${latentSteps} latent steps; a whole number from 0 to ${MAX_LATENT_STEPS} is expected`,
      );
    // Where it is refused, the question before stays; otherwise that one ends here, as its adapter goes.
    leftPad([pair.codec.question(request.question)], this.layout().question, pair.codec.padId);
    this.close();
    const decoder = await this.studentDecoder(student, latentSteps);
    this.sessions++;
    const stepper = await LatentStepper.open(pair, decoder, {
      session: this.sessions,
      question: request.question,
      expected: request.expected ?? null,
      student: student?.label ?? 'the base, untrained',
      latentSteps,
      limit: answerLimit(this.layout()),
    });
    this.stepper = { session: this.sessions, stepper };
    return stepper.report;
  }

  /** @throws InputError where another question was opened since, or the student has changed */
  at(session: number): LatentStepper {
    if (this.stepper?.session !== session)
      throw new InputError(`question ${session} is not open any more`, 'Open it again.');
    return this.stepper.stepper;
  }

  /** The teacher's explicit chain of thought. */
  async explicit(question: string): Promise<ExplicitReport> {
    const { pair } = this.models();
    const decoder = await this.teacherDecoder(1);
    return explicitThought(pair, decoder, question, explicitLimit(this.layout()));
  }

  /** The teacher's own accuracy on the first `count` held-out problems; measured once a pair. */
  async teacherAccuracy(count: number, options: CallOptions): Promise<Accuracy> {
    const known = this.measured.get(count);
    if (known) return known;
    const { pair, problems } = this.models();
    const decoder = await this.teacherDecoder(EVALUATION_BATCH);
    const start = performance.now();
    const share = await accuracy({
      decoder,
      codec: pair.codec,
      tokenizer: pair.tokenizer,
      endIds: pair.teacher.endIds,
      problems: problems
        .take('held-out', 0, count)
        .map((e) => ({ tokens: e.tokens, answer: e.problem.answer })),
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

  /** Ends the open question: its student is another now. */
  close(): void {
    this.stepper = undefined;
  }

  /** Frees what is on the device. */
  drop(): void {
    for (const decoder of this.decoders.values()) decoder.dispose();
    this.decoders.clear();
    this.dropAdapter();
    this.close();
  }

  /** Frees everything that is of the loaded pair. */
  forget(): void {
    this.drop();
    this.measured.clear();
    this.lengths = undefined;
  }

  private layout(): TokenLayout {
    if (this.lengths) return this.lengths;
    const { problems, pair } = this.models();
    const tokens = problems.take('held-out', 0, MEASURED).map((e) => e.tokens);
    const layout = layoutOf(tokens, pair.codec, 1);
    this.lengths = { ...layout, question: layout.question + QUESTION_ROOM };
    return this.lengths;
  }

  private async studentDecoder(student: Student | undefined, latentSteps: number): Promise<Decoder> {
    const { models, pair } = this.models();
    const layout = this.layout();
    const filter = student?.filter ?? filterOf(parseRunConfig({}));
    const lora = student?.lora;
    const decoder = await this.cached(`student ${JSON.stringify([lora, filter, latentSteps])}`, () =>
      decoderFor(models, pair.base, {
        batch: 1,
        question: layout.question,
        keys: latentKeys(layout, latentSteps),
        lora,
        filter,
      }),
    );
    this.dropAdapter();
    this.adapter = (student?.packs ?? []).map((data, i) =>
      models.runtime.upload({ dtype: 'f32', shape: [data.length], data }, `student ${i}`),
    );
    decoder.setAdapter(this.adapter);
    return this.warmed(decoder);
  }

  private async teacherDecoder(batch: number): Promise<Decoder> {
    const { models, pair } = this.models();
    const layout = this.layout();
    const decoder = await this.cached(`teacher ${batch}`, () =>
      decoderFor(models, pair.teacher, {
        batch,
        question: layout.question,
        keys: explicitKeys(layout),
        lora: undefined,
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

  private async cached(key: string, make: () => Promise<Decoder>): Promise<Decoder> {
    const known = this.decoders.get(key);
    if (known) return known;
    const made = await make();
    this.decoders.set(key, made);
    return made;
  }

  private dropAdapter(): void {
    for (const pack of this.adapter) pack.dispose();
    this.adapter = [];
  }
}
