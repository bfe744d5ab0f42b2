import { leftPad } from '../../data/batch';
import type { Decoder, KeptOptions } from '../../decode/decoder';
import { everywhere } from '../../decode/greedy';
import { logitLens } from '../../decode/logit-lens';
import { latentOf, logitsOf, nextTokens, topTokens } from '../../decode/readout';
import { feedsOf, reason } from '../../decode/reason';
import { explicitly, type Reasoning } from '../../decode/reasoning';
import { uploadParameters } from '../../model/upload-parameters';
import { NO_PARAMETERS } from '../../nn/parameters';
import type { DeviceTensor } from '../../runtime/tensor';
import { SHOWN_TOKENS } from '../latents/latent-stepper';
import { LOOKED_AT } from '../latents/thought-runner';
import type { DeviceModels } from '../models/device-models';
import { answeredAtOnce, refuseUnlessFits } from '../models/fits';
import { capacityFor, decoderFor } from '../runs/student';
import type { Asked, OpenedStudent } from './asked';
import { DecoderCache } from './decoder-cache';

/** Decoders that answer questions: a student's and a teacher's, each with the values it was last given. */
export class AnsweringDecoders {
  private readonly decoders: DecoderCache;
  private readonly warm = new WeakSet<Decoder>();
  /** Trained values of the student being stepped through, and of a teacher. */
  private parameters: readonly DeviceTensor[] = [];
  private teachers: readonly DeviceTensor[] = [];

  /**
   * @param inUse the decoder that is not disposed of to make room  @param models gives the models on the
   * device, or throws what to do first
   */
  constructor(
    inUse: (decoder: Decoder) => boolean,
    private readonly models: () => DeviceModels,
  ) {
    this.decoders = new DecoderCache(inUse);
  }

  /** @throws MemoryError if there is no room to step a student through one question */
  checkStudent({ models: pair, layout }: Asked, reasoning: Reasoning): void {
    const tokens = capacityFor(layout, reasoning);
    const { provider } = this.models().runtime;
    refuseUnlessFits(
      pair.base.config,
      provider,
      { kind: 'generate', sequences: 1, tokens },
      'answering this question',
    );
  }

  /** A decoder that keeps what Latents shows, and has run each of its programs once. */
  async student(
    { models: pair, layout, key }: Asked,
    student: OpenedStudent['student'] | undefined,
    reasoning: Reasoning,
  ): Promise<Decoder> {
    const models = this.models();
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

  /**
   * A decoder that reasons explicitly, `most` sequences at a time or as many as fit. @param kept what to keep of every step
   * @throws MemoryError if not even one fits
   */
  async teacher(
    { models: pair, adapter, layout, key }: Asked,
    most: number,
    kept: KeptOptions,
  ): Promise<Decoder> {
    const models = this.models();
    const { parameters, packs, reasoning: own } = adapter ?? { parameters: NO_PARAMETERS, packs: [] };
    const reasoning = explicitly(own);
    const capacity = capacityFor(layout, reasoning);
    const { provider } = models.runtime;
    const room = { most, tokens: capacity };
    const batch = answeredAtOnce(pair.teacher.config, provider, room, 'answering by the teacher');
    const decoder = await this.decoders.take(`teacher ${key} ${batch}`, () =>
      decoderFor(models, pair.teacher, {
        ...{ batch, question: layout.question, capacity },
        ...{ parameters, reasoning, kept },
      }),
    );
    this.dropTeachers();
    this.teachers = uploadParameters(models.runtime, decoder.shape.config, parameters, packs);
    decoder.setParameters(this.teachers);
    return this.warmed(decoder, kept);
  }

  /** Frees what is on the device. */
  async drop(): Promise<void> {
    await this.decoders.clear();
    this.dropParameters();
    this.dropTeachers();
  }

  /**
   * Runs each program once, so that the times shown are the model's, without a first call's set-up.
   * @param options what steps keep  @param reasoning a student's, whose next-token probabilities are shown
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
        // The program that feeds a changed thought.
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

/** A reasoning that needs the same programs and feeds at most one recurrent thought. */
const firstOfEach = (reasoning: Reasoning): Reasoning => ({
  ...reasoning,
  stages: reasoning.stages.map((stage) =>
    stage.kind === 'latents' ? { ...stage, steps: Math.min(1, stage.steps) } : stage,
  ),
});
