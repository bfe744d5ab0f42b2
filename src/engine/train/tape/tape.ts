import { ConfigError } from '../../base/errors';
import type { Shape } from '../../base/shape';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import { type Feedback, feedbackName, feedbackParameters, latentOf } from '../../nn/feedback';
import { learnedRows } from '../../nn/learned';
import { klDivergence, tokenLogProbabilities } from '../../nn/likelihood';
import type { Parameter, ParameterSet } from '../../nn/parameter-set';
import { attached } from '../../nn/parameters';
import { atPositions } from '../../nn/positions';
import { embed } from '../../nn/stack';
import type { StateLoss } from '../losses/state-loss';
import {
  type Computed,
  type Entry,
  type Fed,
  type Finals,
  type InputSpec,
  type KeyValueLossEntry,
  type KeyValueRange,
  producersOf,
  Segment,
  type SegmentOptions,
  type States,
  segmentInput,
  type Trace,
  termsOf,
  type Value,
} from './entries';

/**
 * One pass over a batch, recorded once in the order and the terms of its paper, and run by two back ends: as one graph
 * (`compileWhole`) or as small programs shared by all layers (`compileLayerwise`). Neither knows a method.
 *
 * Letters: B samples, P positions of a segment, L layers, H hidden size. Batch inputs are read by name.
 */
export class Tape {
  readonly entries: Entry[] = [];

  constructor(
    readonly parameters: ParameterSet,
    /** B */
    readonly batch: number,
    /** Seed of the random numbers drawn in each step. */
    readonly seed = 0,
  ) {}

  /** Input embeddings [B·P, H] of `count` tokens per sample, with ids i32 [B, P] fed as `name`. */
  tokens(name: string, count: number): Computed {
    return this.compute(`embedding of ${name}`, [this.batch * count, this.hidden], [], ({ graph, model }) =>
      embed(model, graph.input(name, [this.batch, count], 'i32')),
    );
  }

  /** Input embeddings [B·n, H] of the same tokens for every sample. */
  constantTokens(ids: readonly number[]): Computed {
    const [B, n] = [this.batch, ids.length];
    return this.compute(
      `embedding of ids ${ids.join(', ')}`,
      [B * n, this.hidden],
      [],
      ({ graph, model }) => {
        const repeated = Int32Array.from({ length: B * n }, (_, i) => ids[i % n] as number);
        return embed(model, graph.constant(repeated, [B, n], 'i32'));
      },
    );
  }

  /** Runs input embeddings [B·P, H] through all layers. @throws ConfigError for an unknown adapter */
  segment(x: Computed, options: SegmentOptions = {}): Segment {
    const { adapters, config, weights } = this.parameters;
    const sizes = { batch: this.batch, hidden: config.hiddenSize, layers: config.layers };
    const index = this.segments.length;
    const placed = config.positions === 'learned' ? this.placed(x, index) : x;
    const own = { ...options, ...(options.adapters && { adapters: attached(options.adapters, weights) }) };
    const segment = new Segment(index, sizes, placed, own, x);
    for (const adapter of segment.adapters)
      if (!Object.hasOwn(adapters, adapter))
        throw new ConfigError(
          `a segment names the adapter "${adapter}"; there are ${Object.keys(adapters).join(', ') || 'none'}`,
          'Declare it among the recipe’s adapters.',
        );
    this.entries.push(segment);
    return segment;
  }

  /** Input embeddings [B·P, H] of a segment with position embeddings added, if the model has them. */
  private placed(x: Computed, index: number): Computed {
    const shape = [this.batch, (x.shape[0] as number) / this.batch];
    const positions: Fed = { kind: 'fed', name: segmentInput({ index }, 'positions'), shape, detached: true };
    return this.compute('vectors of positions', x.shape, [x, positions], ({ model }, [embeddings, at]) =>
      atPositions(model, embeddings as Tensor, at as Tensor),
    );
  }

  /**
   * Input embeddings [B·n, H] of added tokens: rows of the trained parameter [count, H], the same for every
   * sample. No gradient flows to a fixed one, which has a learning rate of 0.
   * @throws ConfigError for an unknown parameter, or a row outside it
   */
  embeddings(parameter: string, rows: readonly number[]): Computed {
    const [count = 0] = this.parameters.shape(parameter);
    const { rateFactor } = this.parameters.all[this.parameters.index(parameter)] as Parameter;
    const beyond = rows.find((row) => !(row >= 0 && row < count));
    if (beyond !== undefined)
      throw new ConfigError(
        `row ${beyond} of the parameter "${parameter}", which has ${count}`,
        'Declare as many rows as there are added tokens.',
      );
    const x = this.compute(
      `rows ${rows.join(', ')} of ${parameter}`,
      [this.batch * rows.length, this.hidden],
      [],
      (context) => learnedRows(context.parameter(parameter), rows, this.batch),
      [parameter],
    );
    return rateFactor === 0 ? this.detach(x) : x;
  }

  /** The next latents z [n, H] made from final hidden states [n, H]. @throws ConfigError for unknown parameters of a module */
  feedback(state: Finals, feedback: Feedback): Computed {
    const parameters = feedbackParameters(this.hidden, feedback);
    for (const name of parameters) this.parameters.index(name);
    return this.compute(
      `feedback ${feedbackName(feedback)}`,
      state.shape,
      [state],
      ({ model, parameter }, [h]) => latentOf(model, h as Tensor, feedback, parameter),
      parameters,
    );
  }

  /**
   * A value computed from others. Entries with the same name and shape share a program: a name stands for one function.
   * @param parameters names of the trained parameters it reads
   */
  compute(
    name: string,
    shape: Shape,
    inputs: readonly Value[],
    trace: Trace,
    parameters: readonly string[] = [],
  ): Computed {
    const entry = this.add({ kind: 'compute', name, shape, inputs, parameters, terms: [], trace });
    return { kind: 'computed', entry, shape, detached: false };
  }

  /** Final states of several parts of a sample, one after another: [B·n, H] of all their positions. */
  rows(...parts: readonly Finals[]): Finals {
    const [first, ...others] = parts as [Finals, ...Finals[]];
    if (others.some(({ detached }) => detached !== first.detached))
      throw new ConfigError(
        'rows of which only some are detached',
        'Detach all the parts, or compute them apart.',
      );
    const rows = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
    return { ...first, tracks: parts.flatMap(({ tracks }) => tracks), shape: [rows, this.hidden] };
  }

  /** Hidden states of all layers `shift` after each row's own position in a segment, i32 [B] fed as `positions`: [B, L, H]. */
  statesAt(segment: Segment, positions: string, shift = 0): Computed {
    const B = this.batch;
    const { states, positions: P } = segment;
    const { layers: L, hiddenSize: H } = this.parameters.config;
    return this.compute(`states at ${positions} + ${shift}`, [B, L, H], [states], ({ graph }, [x]) => {
      const columns = Int32Array.from({ length: P }, (_, p) => p - shift);
      const column = graph.constant(columns, [1, P, 1, 1], 'i32');
      const chosen = o.equal(o.reshape(graph.input(positions, [B], 'i32'), [B, 1, 1, 1]), column);
      return o.reduceSum(o.where(chosen, x as Tensor, 0), [1]);
    });
  }

  /** The hidden states [B, K, L, H] of segments of one position each. */
  stack(segments: readonly Segment[]): States {
    const { layers: L, hiddenSize: H } = this.parameters.config;
    const tracks = segments.flatMap((segment) => segment.at(0).tracks);
    const shape = [this.batch, segments.length, L, H];
    return { kind: 'states', layers: 'all', tracks, shape, detached: false };
  }

  /** The same value, through which no gradient flows. */
  detach<V extends Value>(value: V): V {
    return { ...value, detached: true };
  }

  /** Log-probabilities [B·n, 1] of the tokens i32 [B, n], fed as `targets`, in final states [B·n, H]. */
  logProbabilities(states: Finals | Computed, targets: string): Computed {
    const shape = [states.shape[0] as number, 1];
    return this.compute(`log-probabilities of ${targets}`, shape, [states], this.ofTokens(targets));
  }

  /** Weight · weighted cross entropy of the targets i32 [B, n] given final states [B·n, H]. */
  crossEntropy(
    name: string,
    weight: number,
    states: Finals | Computed,
    inputs: { targets: string; weights: string },
  ): void {
    const likelihood = this.ofTokens(inputs.targets);
    this.tokenLoss(name, weight, [states], inputs.weights, (...of) => o.neg(likelihood(...of)));
  }

  /** Weight · weighted KL(π ‖ π_ref) over the whole vocabulary, from final states [B·n, H] of both. */
  klDivergence(
    name: string,
    weight: number,
    states: Finals | Computed,
    reference: Finals | Computed,
    inputs: { weights: string },
  ): void {
    this.tokenLoss(name, weight, [states, reference], inputs.weights, ({ model }, [own, other]) =>
      klDivergence(model, own as Tensor, other as Tensor),
    );
  }

  /** A loss on hidden states. Without terms, because its weights are 0, it is left out with everything that only it reads. */
  stateLoss(loss: StateLoss | undefined, states: States): void {
    if (!loss || loss.terms.length === 0) return;
    const x = this.compute('value', states.shape, [states], itself);
    this.loss(loss.terms, [x], (_context, [own]) => loss.trace(own as Tensor), loss.kernel);
  }

  /**
   * Any other weighted terms, each a scalar, of values on the tape. @param kernel the same loss as kernels,
   * on the only input
   */
  loss(
    terms: readonly string[],
    inputs: readonly Value[],
    trace: Trace<readonly Tensor[]>,
    kernel?: StateLoss['kernel'],
  ): void {
    const together: Trace = (...of) => {
      const each = trace(...of).map((term) => o.reshape(term, [1]));
      return o.concat(each, 0);
    };
    const name = `loss ${terms.join(', ')}`;
    const entry = { kind: 'loss', name, shape: [terms.length], inputs, parameters: [], terms } as const;
    this.add({ ...entry, trace: together, ...(kernel && { kernel }) });
  }

  /**
   * A loss on keys and values against those of other columns, through which no gradient flows, summed over layers.
   * @param inputs batch inputs that it reads
   * @param trace one layer → the weighted term
   */
  keyValueLoss(
    name: string,
    own: KeyValueRange,
    teacher: KeyValueRange,
    inputs: readonly InputSpec[],
    trace: KeyValueLossEntry['trace'],
  ): void {
    this.add<KeyValueLossEntry>({ kind: 'keyValueLoss', terms: [name], own, teacher, inputs, trace });
    for (const { segment } of [own, teacher]) segment.writes = true;
    teacher.segment.attends = true;
  }

  /** A value that the pass outputs besides its terms. */
  output(name: string, value: Value): void {
    const { shape } = value;
    this.add({ kind: 'output', name, shape, inputs: [value], parameters: [], terms: [], trace: itself });
  }

  get segments(): readonly Segment[] {
    return this.entries.filter((entry) => entry.kind === 'segment');
  }

  /** Names of the terms, in the order they were recorded. */
  get terms(): readonly string[] {
    return this.entries.flatMap(termsOf);
  }

  /** Losses and outputs, and the entries that they depend on. @throws ConfigError if there are none */
  get live(): readonly Entry[] {
    const live = new Set<Entry>();
    for (const entry of [...this.entries].reverse()) {
      if (entry.kind === 'output' || termsOf(entry).length > 0) live.add(entry);
      if (live.has(entry)) for (const { producer } of producersOf(entry)) live.add(producer);
    }
    if (live.size === 0)
      throw new ConfigError(
        'there is no loss: every weight is 0',
        'Give at least one loss term a weight above 0.',
      );
    return this.entries.filter((entry) => live.has(entry));
  }

  private ofTokens(targets: string): Trace {
    return ({ graph, model }, [hidden]) => {
      const rows = hidden?.shape[0] as number;
      const ids = graph.input(targets, [this.batch, rows / this.batch], 'i32');
      return tokenLogProbabilities(model, hidden as Tensor, ids);
    };
  }

  /** Weight · Σ w·x with w [B, n], fed as `weights`, and x [B·n, 1]; weight 0 leaves out the term. */
  private tokenLoss(
    name: string,
    weight: number,
    inputs: readonly Value[],
    weights: string,
    trace: Trace,
  ): void {
    if (weight === 0) return;
    this.loss([name], inputs, (context, values) => {
      const each = trace(context, values);
      const [rows] = each.shape as readonly [number];
      const w = context.graph.input(weights, [this.batch, rows / this.batch]);
      return [o.mul(o.reduceSum(o.mul(each, o.reshape(w, each.shape))), weight)];
    });
  }

  private get hidden(): number {
    return this.parameters.config.hiddenSize;
  }

  private add<E extends Exclude<Entry, Segment>>(entry: E): E {
    for (const input of entry.kind === 'keyValueLoss' ? [] : entry.inputs)
      if (input.kind === 'states')
        for (const { segment, positions } of input.tracks) segment.note(input, positions);
    const twice = entry.terms.find((name) => this.terms.includes(name));
    if (twice !== undefined)
      throw new ConfigError(`two loss terms are named "${twice}"`, 'Give each a name of its own.');
    this.entries.push(entry);
    return entry;
  }
}

/** Hidden states as one tensor. */
const itself: Trace = (_context, [x]) => x as Tensor;
