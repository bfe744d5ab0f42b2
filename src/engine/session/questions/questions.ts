import type { CallOptions, LatentChoice } from '../../../contract/calls';
import type { Accuracy, ExplicitReport, LatentSession } from '../../../contract/events';
import { LATENT_DEFAULTS, MAX_LATENT_STEPS } from '../../../contract/methods/shared';
import { InputError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { leftPad } from '../../data/batch';
import { reasonInBranches } from '../../decode/branches';
import type { Decoder } from '../../decode/decoder';
import { explicitly, type Reasoning, stopsByItself, thoughtsIn, withSteps } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { accuracy } from '../../eval/accuracy';
import { feedbackBy, latentReasoning } from '../../recipes/shared/recipe';
import { explicitChain } from '../latents/explicit-chain';
import { identityOf } from '../latents/identity';
import { LatentStepper } from '../latents/latent-stepper';
import { type TeacherSpace, teacherSpace } from '../latents/teacher-distance';
import type { DeviceModels } from '../models/device-models';
import type { LoadedModel } from '../models/pair';
import type { ProblemSet } from '../models/problems';
import { EVALUATION_BATCH, generationLimit, type Student } from '../runs/student';
import { AnsweringDecoders } from './answering-decoders';
import {
  type Asked,
  askedBy,
  askedOf,
  type Bundled,
  lengthsOfProblems,
  type OpenedStudent,
  problemBy,
  trainingQuestions,
} from './asked';

/** Upper limit of τ, as in a run's configuration. */
const MAX_TEMPERATURE = 100;

/** What is kept of the teacher's tokens. */
const SPOKEN = { hidden: true } as const;

interface Models extends Bundled {
  readonly models: DeviceModels;
  readonly device: Device | undefined;
}

/** How the untrained base reasons; unspecified parts are a run's defaults. @throws InputError for an impossible τ */
function baseReasoning(choice: LatentChoice | undefined): Reasoning {
  const latent = { ...LATENT_DEFAULTS, ...choice };
  const { temperature } = latent;
  if (!(temperature > 0 && temperature <= MAX_TEMPERATURE))
    throw new InputError(
      `temperature ${temperature}; a number above 0 and up to ${MAX_TEMPERATURE} is expected`,
      'Choose a temperature in that range.',
    );
  return { ...latentReasoning({ latent }), adapters: [] };
}

/** Questions for student and teacher, one open at a time, and the decoders made for them. */
export class Questions {
  /** The student that was asked last: its teacher gives the explanations. */
  private student: Student | undefined;
  private stepper: { session: number; stepper: LatentStepper; decoder: Decoder; key: string } | undefined;
  private sessions = 0;
  /** The opened model that was stepped through last. */
  private other: LoadedModel | undefined;
  private readonly decoders = new AnsweringDecoders(
    (decoder) => this.stepper?.decoder === decoder,
    () => this.models().models,
  );
  private readonly measured = new Map<number, Accuracy>();
  private lengths: TokenLayout | undefined;
  /** The teacher's rationale on the question it last reasoned about; null if it wrote none. */
  private taught:
    | { readonly question: string; readonly key: string; readonly space: TeacherSpace | null }
    | undefined;

  /** @param models returns what is loaded, or throws what to do first */
  constructor(private readonly models: () => Models) {}

  /**
   * Opens a question for the trained student, or for the untrained base. K is as trained, unless given; a
   * student makes its thoughts as it was trained to, the base according to `latent`.
   * @throws InputError for an impossible number of latent steps, or a question that is empty or too long, MemoryError if there is
   * no room for the model
   */
  async open(
    request: {
      readonly question: string;
      readonly expected?: string;
      readonly steps?: number;
      readonly latent?: LatentChoice;
    },
    student: Student | undefined,
    opened?: OpenedStudent,
  ): Promise<LatentSession> {
    const { device, problems } = this.models();
    const asking = opened?.student ?? student;
    const trained = asking?.reasoning ?? baseReasoning(request.latent);
    const latentSteps = request.steps ?? thoughtsIn(trained);
    if (!Number.isInteger(latentSteps) || latentSteps < 0 || latentSteps > MAX_LATENT_STEPS)
      throw new InputError(
        `${latentSteps} latent steps; a whole number from 0 to ${MAX_LATENT_STEPS} is expected`,
        'Choose a number of latent steps in that range.',
      );
    const most = withSteps(trained, latentSteps, feedbackBy(LATENT_DEFAULTS));
    const asked = opened ? askedOf(opened, most) : this.asked(student);
    // If this is refused, the previous question stays open; otherwise it ends here, because its trained
    // values are replaced.
    const { codec } = asked.models;
    leftPad([codec.question(request.question)], asked.layout.question, codec.padId);
    this.decoders.checkStudent(asked, most);
    this.close();
    this.student = student;
    this.other = opened?.on.base;
    const decoder = await this.decoders.student(asked, asking, most);
    // A student that stops by itself takes as many steps as it wants, unless the request says how many.
    const own = request.steps === undefined && stopsByItself(most);
    const reasoning = own
      ? withSteps(
          most,
          await latentsFor(decoder, most, codec.question(request.question), codec.padId),
          feedbackBy(LATENT_DEFAULTS),
        )
      : most;
    this.sessions++;
    const stepper = await LatentStepper.open(asked.models, decoder, {
      session: this.sessions,
      question: request.question,
      expected: request.expected ?? null,
      student: asking?.label ?? 'the base, untrained',
      identity: await identityOf(asked.models.base, asking),
      reasoning,
      limit: generationLimit(asked.layout, reasoning),
      device,
      training: (count) => trainingQuestions(asked, problems, count),
      problem: (id) => problemBy(asked, problems, id)?.problem.question,
    });
    // Another teacher's states are no reference, and may have another size.
    if (this.taught?.question === request.question && this.taught.key === asked.key)
      stepper.compareWith(this.taught.space);
    this.stepper = { session: this.sessions, stepper, decoder, key: asked.key };
    return stepper.report;
  }

  /** @throws InputError if another question has been opened since, or the student has changed */
  at(session: number): LatentStepper {
    if (this.stepper?.session !== session)
      throw new InputError(`question ${session} is no longer open`, 'Open it again.');
    return this.stepper.stepper;
  }

  /** The teacher's explicit chain of thought. */
  async explicit(question: string): Promise<ExplicitReport> {
    const { device } = this.models();
    const asked = this.asked(this.student);
    const decoder = await this.decoders.teacher(asked, 1, SPOKEN);
    const limit = generationLimit(asked.layout, explicitly());
    const chain = await explicitChain(asked.models, decoder, question, limit);
    const { layers: L, hiddenSize: H } = decoder.shape.config;
    const space = await teacherSpace(chain, [L, H], device);
    this.taught = { question, key: asked.key, space };
    const { stepper: open, key } = this.stepper ?? {};
    if (key === asked.key && open?.report.question === question) open.compareWith(space);
    return chain.report;
  }

  /** The teacher's own accuracy on the first `count` held-out problems; measured once per pair. */
  /** Whether its accuracy on so many problems has been measured. */
  knowsTeacherAccuracy(count: number): boolean {
    return this.measured.has(count);
  }

  async teacherAccuracy(count: number, options: CallOptions): Promise<Accuracy> {
    const known = this.measured.get(count);
    if (known) return known;
    const { problems } = this.models();
    const asked = this.asked(undefined);
    const pair = asked.models;
    const decoder = await this.decoders.teacher(asked, EVALUATION_BATCH, {});
    const start = performance.now();
    const share = await accuracy({
      decoder,
      codec: pair.codec,
      tokenizer: pair.tokenizer,
      endIds: pair.teacher.endIds,
      problems: (problems as ProblemSet)
        .take('held-out', 0, count)
        .map((e) => ({ tokens: e.tokens, answer: e.problem.answer })),
      reasoning: explicitly(),
      limit: generationLimit(asked.layout, explicitly()),
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

  /** Ends the open question, because the student has changed. */
  close(): void {
    this.stepper?.stepper.dispose();
    this.stepper = undefined;
  }

  /** Frees what is on the device. */
  async drop(): Promise<void> {
    this.close();
    await this.decoders.drop();
  }

  /** Frees what was made for a model that is no longer open. */
  async dropModel(model: LoadedModel): Promise<void> {
    if (this.other === model) await this.drop();
  }

  /** Frees everything that belongs to the loaded pair. */
  async forget(): Promise<void> {
    await this.drop();
    this.measured.clear();
    this.lengths = undefined;
    this.taught = undefined;
  }

  private asked(student: Student | undefined): Asked {
    return askedBy(student, this.models(), (...pair) => {
      this.lengths ??= lengthsOfProblems(...pair);
      return this.lengths;
    });
  }
}

/** The number of latents after which a student stops reasoning on a question. */
async function latentsFor(
  decoder: Decoder,
  reasoning: Reasoning,
  question: readonly number[],
  padId: number,
): Promise<number> {
  const { batch, question: S } = decoder.shape;
  const { ids, keyMask } = leftPad(new Array<readonly number[]>(batch).fill(question), S, padId);
  let found = 0;
  await reasonInBranches(
    decoder,
    await decoder.begin(ids, keyMask),
    reasoning,
    {},
    async ({ rows, latents }) => {
      if (rows.includes(0)) found = latents;
    },
  );
  return found;
}
