import type { Intervention, Operation, Place } from '../../../contract/latents';
import { InputError } from '../../base/errors';
import { checkLayer, type Decoder, type DecoderInput, type StepOptions } from '../../decode/decoder';
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
import { SITES } from '../../nn/attachments';
import { operated, type Sources } from './operations';

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
    private readonly sources: (at: Place, step: number) => Sources,
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
    const groups = byPlace(interventions);
    for (const { at } of groups) if (at.site !== 'latent') checkLayer(this.decoder, at.layer);
    const began = performance.now();
    return this.before(state, async (from, next) => {
      const before = performance.now() - began;
      const advanced = await this.advanced(from, next, groups);
      return { ...advanced, milliseconds: before + advanced.milliseconds };
    });
  }

  private async advanced(
    from: Reasoned,
    { input: own, refined }: NextInput,
    groups: readonly AtPlace[],
  ): Promise<Advanced> {
    const changed =
      groups[0]?.at.site === 'latent' ? await this.changedThought(from.state, own, groups[0]) : undefined;
    const input: DecoderInput = changed ? { vector: changed.after } : own;
    let milliseconds = 0;
    const run = async (options: StepOptions): Promise<DecoderState> => {
      const start = performance.now();
      const next = await this.decoder.advance(from.state, input, { ...LOOKED_AT, ...options });
      milliseconds += performance.now() - start;
      this.places.set(next, { fed: from.fed + 1, refined });
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
        put[i]?.replace(await this.after(await siteStateOf(seen, at), list));
      } finally {
        seen.dispose();
      }
    }
    return { state: await run(options), changed, milliseconds };
  }

  /** The unmodified state at a place of the next step, [H]. @param state before that step */
  async valueAt(state: DecoderState, at: Place): Promise<Float32Array> {
    return this.before(state, async (from, { input }) => {
      if (at.site === 'latent') return vectorOf(this.decoder, from.state, input);
      checkLayer(this.decoder, at.layer);
      const next = await this.decoder.advance(from.state, input, { read: [at] });
      try {
        return await siteStateOf(next, at);
      } finally {
        next.dispose();
      }
    });
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

  private async changedThought(
    state: DecoderState,
    input: DecoderInput,
    { list }: AtPlace,
  ): Promise<Advanced['changed']> {
    const before = await vectorOf(this.decoder, state, input);
    return { before, after: await this.after(before, list) };
  }

  /** h after the interventions, one after another, in float32. */
  private async after(
    h: ArrayLike<number>,
    list: readonly Intervention[],
  ): Promise<Float32Array<ArrayBuffer>> {
    let value = Float64Array.from(h);
    for (const { step, at, operation } of list) {
      value = Float64Array.from(await operated(value, operation, { step, at }, this.sources(at, step)));
      if (value.length !== h.length) throw wrongSize(operation, value.length, h.length);
    }
    return Float32Array.from(value);
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

interface AtPlace {
  readonly at: Place;
  readonly list: Intervention[];
}

/** The interventions of one step by place, in the order of the forward pass; at one place in the order given. */
function byPlace(interventions: readonly Intervention[]): AtPlace[] {
  const found = new Map<string, AtPlace>();
  for (const one of interventions) {
    const known = found.get(siteName(one.at));
    if (known) known.list.push(one);
    else found.set(siteName(one.at), { at: one.at, list: [one] });
  }
  const order = ({ at }: AtPlace): number =>
    at.site === 'latent' ? -1 : at.layer * SITES.length + SITES.indexOf(at.site);
  return [...found.values()].sort((a, b) => order(a) - order(b));
}

const wrongSize = ({ kind }: Operation, found: number, expected: number): InputError =>
  new InputError(
    `${kind}: a vector of ${found} values; ${expected} are expected, the model’s hidden size`,
    'Paste a vector of that size.',
  );
