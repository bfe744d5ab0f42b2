import type { CallOptions, LatentChoice } from '../../../contract/calls';
import type { Accuracy, ExplicitReport, LatentSession } from '../../../contract/events';
import { LATENT_DEFAULTS, MAX_LATENT_STEPS } from '../../../contract/methods/shared';
import { InputError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { layoutOf, leftPad } from '../../data/batch';
import { reasonInBranches } from '../../decode/branches';
import type { Decoder, KeptOptions } from '../../decode/decoder';
import { everywhere } from '../../decode/greedy';
import { logitLens } from '../../decode/logit-lens';
import { latentOf, logitsOf, nextTokens, topTokens } from '../../decode/readout';
import { feedsOf, reason } from '../../decode/reason';
import { explicitly, type Reasoning, stopsByItself, thoughtsIn, withSteps } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { accuracy } from '../../eval/accuracy';
import { uploadParameters } from '../../model/upload-parameters';
import { NO_PARAMETERS } from '../../nn/parameters';
import { feedbackBy, latentReasoning } from '../../recipes/shared/recipe';
import type { DeviceTensor } from '../../runtime/tensor';
import { explicitChain } from '../latents/explicit-chain';
import { identityOf } from '../latents/identity';
import { LatentStepper, SHOWN_TOKENS } from '../latents/latent-stepper';
import { type TeacherSpace, teacherSpace } from '../latents/teacher-distance';
import { LOOKED_AT } from '../latents/thought-runner';
import type { DeviceModels } from '../models/device-models';
import type { AnsweringModels, LoadedModel, Pair } from '../models/pair';
import { type Example, POOL, type ProblemSet } from '../models/problems';
import type { TeacherAdapter } from '../models/roles';
import {
  capacityFor,
  decoderFor,
  EVALUATION_BATCH,
  generationLimit,
  type Student,
  type StudentSpec,
} from '../runs/student';
import { DecoderCache } from './decoder-cache';

/** Held-out problems that determine how long a typed question may be: as long as the longest, plus some slack. */
const MEASURED = 512;
const QUESTION_ROOM = 8;
/** Of a student whose training is not known: room for a problem of GSM8K. */
const UNKNOWN_LENGTHS: TokenLayout = { batch: 1, question: 256, prompt: 0, answer: 16, explicit: 256 };
/** Upper limit of τ, as in a run's configuration. */
const MAX_TEMPERATURE = 100;

/** What is kept of the teacher's tokens. */
const SPOKEN = { hidden: true } as const;

interface Models {
  readonly models: DeviceModels;
  readonly device: Device | undefined;
  readonly pair?: Pair | undefined;
  readonly problems?: ProblemSet | undefined;
}

/** Whose models answer. */
interface Asked {
  readonly models: AnsweringModels;
  /** What the teacher runs with. */
  readonly adapter?: TeacherAdapter | undefined;
  /** Of a student that was not trained on the pair's problems. */
  readonly examples?: Student['examples'];
  readonly layout: TokenLayout;
  /** Unique to the models. */
  readonly key: string;
}

/** A student that was opened with its model, whose files say how it reasons. */
export interface OpenedStudent {
  readonly student: StudentSpec & Pick<Student, 'label' | 'packs'>;
  readonly on: Pick<Pair, 'base' | 'tokenizer' | 'codec'>;
}

/** Of questions of the field (GSM8K's longest have some 200 tokens), and of what is written after the thoughts. */
const FIELD = { question: 200, answer: 16, explicit: 48 } as const;

/** The same for the same weights, kept in the same way, and for them only. */
const nameOf = ({ report, config }: LoadedModel): string => `${report.sha256} ${config.storage ?? 'f32'}`;

/** With as many positions as its model has. */
function askedOf({ on }: OpenedStudent, reasoning: Reasoning): Asked {
  const { maxPositions = Number.POSITIVE_INFINITY } = on.base.config;
  const layout = {
    ...FIELD,
    batch: 1,
    prompt: on.codec.prompt.length,
    explicit: Math.min(FIELD.explicit, Math.floor(maxPositions / 4)),
  };
  const rest = capacityFor({ ...layout, question: 0 }, reasoning);
  const question = Math.max(1, Math.min(FIELD.question, maxPositions - rest));
  return {
    models: { ...on, teacher: on.base },
    layout: { ...layout, question },
    key: nameOf(on.base),
  };
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
  /** Trained values of the student that is stepped through, and of a teacher. */
  private parameters: readonly DeviceTensor[] = [];
  private teachers: readonly DeviceTensor[] = [];
  /** The student that was asked last: its teacher is the one that explains. */
  private student: Student | undefined;
  private stepper: { session: number; stepper: LatentStepper; decoder: Decoder; key: string } | undefined;
  private sessions = 0;
  /** The opened model that was stepped through last. */
  private other: LoadedModel | undefined;
  private readonly decoders = new DecoderCache((decoder) => this.stepper?.decoder === decoder);
  private readonly warm = new WeakSet<Decoder>();
  private readonly measured = new Map<number, Accuracy>();
  private lengths: TokenLayout | undefined;
  /** The teacher's rationale on the question it last reasoned about; null if it wrote none. */
  private taught:
    | { readonly question: string; readonly key: string; readonly space: TeacherSpace | null }
    | undefined;

  /** @param models what is loaded, or throws what to do first */
  constructor(private readonly models: () => Models) {}

  /**
   * Opens a question for the trained student, or for the untrained base. K is as trained, unless given; a student makes its
   * thoughts as it was trained to, the base by `latent`.
   * @throws InputError for an impossible number of latent steps, or a question that is empty or too long
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
    const { device } = this.models();
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
    // If this is refused, the previous question stays open; otherwise it ends here, because its trained values go.
    const { codec } = asked.models;
    leftPad([codec.question(request.question)], asked.layout.question, codec.padId);
    this.close();
    this.student = student;
    this.other = opened?.on.base;
    const decoder = await this.studentDecoder(asked, asking, most);
    // One that stops by itself takes as many steps as it wants to, unless it is told how many.
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
      training: (count) => this.trainingQuestions(asked, count),
      problem: (id) => this.problem(asked, id)?.problem.question,
    });
    // Another teacher's states are no measure, and may be of another size.
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
    const decoder = await this.teacherDecoder(asked, 1, SPOKEN);
    const limit = generationLimit(asked.layout, explicitly());
    const chain = await explicitChain(asked.models, decoder, question, limit);
    const { layers: L, hiddenSize: H } = decoder.shape.config;
    const space = await teacherSpace(chain, [L, H], device);
    this.taught = { question, key: asked.key, space };
    const { stepper: open, key } = this.stepper ?? {};
    if (key === asked.key && open?.report.question === question) open.compareWith(space);
    return chain.report;
  }

  /** The first training problems whose questions fit into what the decoders read. @throws InputError if there are fewer */
  private trainingQuestions({ layout, examples }: Asked, count: number): string[] {
    const { question: most } = layout;
    const found = (examples?.training ?? this.models().problems?.take('train', 0, POOL) ?? [])
      .filter(({ tokens }) => tokens.question.length <= most)
      .slice(0, count)
      .map(({ problem }) => problem.question);
    if (found.length < count)
      throw new InputError(
        `${count} training problems; ${found.length} have questions of at most ${most} tokens`,
        `Choose at most ${found.length}.`,
      );
    return found;
  }

  private problem({ examples }: Asked, id: string): Example | undefined {
    if (!examples) return this.models().problems?.byId(id);
    return [...examples.training, ...examples.heldOut].find((example) => example.id === id);
  }

  /** The teacher's own accuracy on the first `count` held-out problems; measured once per pair. */
  async teacherAccuracy(count: number, options: CallOptions): Promise<Accuracy> {
    const known = this.measured.get(count);
    if (known) return known;
    const { problems } = this.models();
    const asked = this.asked(undefined);
    const pair = asked.models;
    const decoder = await this.teacherDecoder(asked, EVALUATION_BATCH, {});
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
    await this.decoders.clear();
    this.dropParameters();
    this.dropTeachers();
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

  /** @throws InputError if its models are not loaded */
  private asked(student: Student | undefined): Asked {
    const { pair, problems } = this.models();
    const { roles, lengths, examples } = student ?? {};
    if (!roles || (roles.student === pair?.base && roles.codec === pair.codec)) {
      if (!pair || !problems) throw new InputError('no models are loaded', 'Load the bundled pair first.');
      return { models: pair, layout: this.layout(pair, problems), key: 'the pair' };
    }
    const { student: base, teacher, tokenizer, codec } = roles;
    return {
      models: { base, teacher: teacher.model, tokenizer, codec },
      adapter: teacher.adapter,
      examples,
      layout: lengths
        ? { ...lengths, batch: 1, question: lengths.question + QUESTION_ROOM }
        : { ...UNKNOWN_LENGTHS, prompt: codec.prompt.length },
      key: [nameOf(base), nameOf(teacher.model), teacher.adapter?.sha256, JSON.stringify(lengths)].join(' '),
    };
  }

  private layout(pair: Pair, problems: ProblemSet): TokenLayout {
    if (this.lengths) return this.lengths;
    const tokens = problems.take('held-out', 0, MEASURED).map((e) => e.tokens);
    const layout = layoutOf(tokens, pair.codec, 1);
    this.lengths = { ...layout, question: layout.question + QUESTION_ROOM };
    return this.lengths;
  }

  private async studentDecoder(
    { models: pair, layout, key }: Asked,
    student: OpenedStudent['student'] | undefined,
    reasoning: Reasoning,
  ): Promise<Decoder> {
    const { models } = this.models();
    const { parameters = NO_PARAMETERS, packs = [] } = student ?? {};
    const decoder = await this.decoders.take(
      `student ${key} ${JSON.stringify([parameters, reasoning])}`,
      () =>
        decoderFor(models, pair.base, {
          batch: 1,
          question: layout.question,
          capacity: capacityFor(layout, reasoning),
          parameters,
          reasoning,
          kept: LOOKED_AT,
        }),
    );
    this.dropParameters();
    this.parameters = uploadParameters(models.runtime, decoder.shape.config, parameters, packs);
    decoder.setParameters(this.parameters);
    return this.warmed(decoder, LOOKED_AT, reasoning);
  }

  private async teacherDecoder(
    { models: pair, adapter, layout, key }: Asked,
    batch: number,
    kept: KeptOptions,
  ): Promise<Decoder> {
    const { models } = this.models();
    const { parameters, packs, reasoning: own } = adapter ?? { parameters: NO_PARAMETERS, packs: [] };
    const reasoning = explicitly(own);
    const decoder = await this.decoders.take(`teacher ${key} ${batch}`, () =>
      decoderFor(models, pair.teacher, {
        batch,
        question: layout.question,
        capacity: capacityFor(layout, reasoning),
        ...{ parameters, reasoning, kept },
      }),
    );
    this.dropTeachers();
    this.teachers = uploadParameters(models.runtime, decoder.shape.config, parameters, packs);
    decoder.setParameters(this.teachers);
    return this.warmed(decoder, kept);
  }

  /**
   * Runs each program once, so that the times shown are the model's and not those of a first call's preparations.
   * @param options what steps keep  @param reasoning of a student, whose next-token probabilities are shown
   */
  private async warmed(decoder: Decoder, options: KeptOptions, reasoning?: Reasoning): Promise<Decoder> {
    if (this.warm.has(decoder)) return decoder;
    const { batch, question } = decoder.shape;
    const { ids, keyMask } = leftPad(new Array<number[]>(batch).fill([0]), question, 0);
    let state = await decoder.begin(ids, keyMask, options);
    try {
      await nextTokens(decoder, state);
      if (reasoning) {
        await topTokens(decoder, state, SHOWN_TOKENS);
        await logitLens(decoder, state, SHOWN_TOKENS);
        await logitsOf(decoder, state);
        for (const fed of feedsOf(reasoning))
          if (typeof fed === 'object' && 'latent' in fed) await latentOf(decoder, state, fed.latent);
      }
      state = await decoder.step(state, everywhere(decoder, 0), reasoning ? {} : options);
      if (reasoning) {
        state = await reason(decoder, state, firstOfEach(reasoning), { step: options });
        // What a changed thought is fed by.
        const vector = new Float32Array(batch * decoder.shape.config.hiddenSize).fill(0.1);
        if (state.room > 0) state = await decoder.step(state, { vector }, options);
      }
    } finally {
      // The readouts refuse the logits of a student that has diverged.
      state.dispose();
    }
    this.warm.add(decoder);
    return decoder;
  }

  private dropParameters(): void {
    for (const tensor of this.parameters) tensor.dispose();
    this.parameters = [];
  }

  private dropTeachers(): void {
    for (const tensor of this.teachers) tensor.dispose();
    this.teachers = [];
  }
}

/** A reasoning that needs the same programs and feeds one recurrent thought at most. */
const firstOfEach = (reasoning: Reasoning): Reasoning => ({
  ...reasoning,
  stages: reasoning.stages.map((stage) =>
    stage.kind === 'latents' ? { ...stage, steps: Math.min(1, stage.steps) } : stage,
  ),
});

/** After how many latents a student stops reasoning on a question. */
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
