import type { Intervention, Place } from '../../../contract/latents';
import { checkLayer, type Decoder, type DecoderInput, type StepOptions } from '../../decode/decoder';
import { afterTokens, everywhere } from '../../decode/greedy';
import { siteStateOf, vectorOf } from '../../decode/readout';
import {
  type NextInput,
  nextInput,
  type Position,
  positionsOf,
  type Reasoned,
  reasonFrom,
} from '../../decode/reason';
import type { Reasoning } from '../../decode/reasoning';
import { type Intervention as Affine, identity, siteName } from '../../decode/sites';
import type { DecoderState } from '../../decode/state';
import { type AtPlace, byPlace, changedBy, type SourcesFor } from './places';
import { checkToken } from './question-reader';

/** What is kept of every step, so that it can be looked at later. */
export const LOOKED_AT: StepOptions = { hidden: true, attention: true };

/** A step that was run. */
export interface Advanced {
  readonly state: DecoderState;
  /** The thought before and after the interventions on it, [H]; only where there are some. */
  readonly changed: { readonly before: Float32Array; readonly after: Float32Array<ArrayBuffer> } | undefined;
  /** Of the passes through the model. */
  readonly milliseconds: number;
}

/**
 * Feeds one thought after another to a decoder of one sequence, with interventions. An intervention reads the state at its
 * place, computes what becomes of it in float64, and puts that in its place; so each is one map of H values to H values,
 * whatever the place. Steps without interventions are the decoder's own, to the bit.
 */
export class ThoughtRunner {
  private readonly replacing = new Map<string, Replacement>();
  private readonly positions: readonly Position[];
  /** How far the reasoning of a state has come, where it has begun. */
  private readonly places = new WeakMap<DecoderState, Omit<Reasoned, 'state'>>();

  constructor(
    readonly decoder: Decoder,
    readonly reasoning: Reasoning,
    readonly sources: SourcesFor,
  ) {
    this.positions = positionsOf(reasoning);
  }

  /** What has been fed after the question. */
  fedTo(state: DecoderState): readonly Position[] {
    return this.positions.slice(0, this.places.get(state)?.fed ?? 0);
  }

  /**
   * The state one thought later; the given one is unchanged.
   * @param interventions all of this step
   * @throws InputError for a layer that the model does not have, or values that are no vector of its size
   */
  async advance(state: DecoderState, interventions: readonly Intervention[]): Promise<Advanced> {
    const groups = byPlace(this.decoder, interventions);
    const began = performance.now();
    return this.before(state, async (from, { input, refined }) => {
      const before = performance.now() - began;
      const advanced = await this.fed(from.state, input, groups);
      this.places.set(advanced.state, { fed: from.fed + 1, refined });
      return { ...advanced, milliseconds: before + advanced.milliseconds };
    });
  }

  /**
   * Works with the state after an answer's prompt, which is fed token by token with the interventions on them; what was made for
   * it is disposed of after the work.
   * @param state before the prompt @param interventions all of the prompt
   */
  async prompted<R>(
    state: DecoderState,
    prompt: readonly number[],
    interventions: readonly Intervention[],
    work: (state: DecoderState) => Promise<R>,
  ): Promise<R> {
    for (const { step } of interventions) checkToken(step, prompt.length, 'the answer’s prompt');
    const feed = async (from: DecoderState, id: number, i: number): Promise<DecoderState> => {
      const own = byPlace(
        this.decoder,
        interventions.filter(({ step }) => step === i + 1),
      );
      const input = everywhere(this.decoder, id);
      if (own.length === 0) return this.decoder.advance(from, input);
      return (await this.fed(from, input, own, {})).state;
    };
    return afterTokens(state, prompt, feed, work);
  }

  /** One position later. */
  private async fed(
    from: DecoderState,
    own: DecoderInput,
    groups: readonly AtPlace[],
    keep: StepOptions = LOOKED_AT,
  ): Promise<Advanced> {
    const changed =
      groups[0]?.at.site === 'latent' ? await this.changedInput(from, own, groups[0]) : undefined;
    const input: DecoderInput = changed ? { vector: changed.after } : own;
    let milliseconds = 0;
    const run = async (options: StepOptions): Promise<DecoderState> => {
      const start = performance.now();
      const next = await this.decoder.advance(from, input, { ...keep, ...options });
      milliseconds += performance.now() - start;
      return next;
    };
    const inside = groups.flatMap(({ at, list }) => (at.site === 'latent' ? [] : [{ at, list }]));
    if (inside.length === 0) return { state: await run({}), changed, milliseconds };
    const read = inside.map(({ at }) => at);
    const put = inside.map(({ at }) => this.replacement(at));
    for (const one of put) one.leave();
    const options = { interventions: put.map(({ affine }) => affine), read };
    // In the order of the forward pass: a later place sees what became of an earlier one.
    for (const [i, { at, list }] of inside.entries()) {
      const seen = await run(options);
      try {
        put[i]?.replace(await changedBy(await siteStateOf(seen, at), list, this.sources));
      } finally {
        seen.dispose();
      }
    }
    return { state: await run(options), changed, milliseconds };
  }

  /** The unmodified state at a place of the next step, [H]. @param state before that step */
  async valueAt(state: DecoderState, at: Place): Promise<Float32Array> {
    return this.before(state, (from, { input }) => this.valueOf(from.state, input, at));
  }

  /**
   * The unmodified states at a place of the first `count` tokens of an answer's prompt, [H] each.
   * @param state after all thoughts
   */
  async promptValues(
    state: DecoderState,
    prompt: readonly number[],
    at: Place,
    count = prompt.length,
  ): Promise<readonly Float32Array[]> {
    checkToken(count, prompt.length, 'the answer’s prompt');
    const found: Float32Array[] = [];
    const feed = async (from: DecoderState, id: number): Promise<DecoderState> => {
      const input = everywhere(this.decoder, id);
      found.push(await this.valueOf(from, input, at));
      return this.decoder.advance(from, input);
    };
    await this.answering(state, (from) => afterTokens(from, prompt.slice(0, count), feed, async () => {}));
    return found;
  }

  private async valueOf(state: DecoderState, input: DecoderInput, at: Place): Promise<Float32Array> {
    if (at.site === 'latent') return vectorOf(this.decoder, state, input);
    checkLayer(this.decoder, at.layer);
    const next = await this.decoder.advance(state, input, { read: [at] });
    try {
      return await siteStateOf(next, at);
    } finally {
      next.dispose();
    }
  }

  /** The state one thought later, without interventions; the given one is disposed of. */
  async step(state: DecoderState): Promise<DecoderState> {
    const next = await this.advance(state, []);
    state.dispose();
    return next.state;
  }

  /** Works with the state from which the next thought is made, after what is fed before it, and with that thought. */
  async before<R>(state: DecoderState, work: (from: Reasoned, next: NextInput) => Promise<R>): Promise<R> {
    return this.afterFeeding(
      state,
      (position) => position.thought === undefined,
      async (from) => work(from, await nextInput(this.decoder, from, this.reasoning)),
    );
  }

  /** Works with the state from which the answer is generated, but for the prompt: after what is fed behind the last thought. */
  answering<R>(state: DecoderState, work: (state: DecoderState) => Promise<R>): Promise<R> {
    const rest = this.positions.slice(this.fedTo(state).length);
    const isDone = rest.every(({ thought }) => thought === undefined);
    return this.afterFeeding(
      state,
      () => isDone,
      (from) => work(from.state),
    );
  }

  /** Feeds positions while `feeds` says so; their states are disposed of after the work. */
  private async afterFeeding<R>(
    state: DecoderState,
    feeds: (position: Position) => boolean,
    work: (from: Reasoned) => Promise<R>,
  ): Promise<R> {
    const from: Reasoned = { fed: 0, ...this.places.get(state), state };
    const count = this.positions.slice(from.fed).findIndex((position) => !feeds(position));
    const to = count < 0 ? undefined : from.fed + count;
    const at = await reasonFrom(this.decoder, from, this.reasoning, { to });
    try {
      return await work(at);
    } finally {
      if (at.state !== state) at.state.dispose();
    }
  }

  private async changedInput(
    state: DecoderState,
    input: DecoderInput,
    { list }: AtPlace,
  ): Promise<Advanced['changed']> {
    const before = await vectorOf(this.decoder, state, input);
    return { before, after: await changedBy(before, list, this.sources) };
  }

  private replacement(at: Exclude<Place, { site: 'latent' }>): Replacement {
    const name = siteName(at);
    const known = this.replacing.get(name) ?? new Replacement(this.decoder, at);
    this.replacing.set(name, known);
    return known;
  }
}

/** Puts a vector in the place of a state, or leaves the state as it is. */
class Replacement {
  readonly affine: Affine;
  private readonly unchanged: Float32Array<ArrayBuffer>;
  private readonly nothing: Float32Array<ArrayBuffer>;

  constructor(decoder: Decoder, at: Place) {
    const H = decoder.shape.config.hiddenSize;
    this.unchanged = identity(H);
    this.nothing = new Float32Array(H * H);
    this.affine = decoder.intervention(at, this.unchanged, new Float32Array(H));
  }

  leave(): void {
    this.affine.matrix.write(this.unchanged);
    this.affine.shift.write(new Float32Array(this.affine.shift.shape[1] as number));
  }

  replace(by: Float32Array<ArrayBuffer>): void {
    this.affine.matrix.write(this.nothing);
    this.affine.shift.write(by);
  }
}
