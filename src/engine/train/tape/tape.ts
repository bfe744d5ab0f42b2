import { ConfigError } from '../../base/errors';
import { type Shape, showShape } from '../../base/shape';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import { type LatentFilter, latentOf } from '../../nn/latent';
import { embed } from '../../nn/stack';
import { headCrossEntropy } from '../../nn/vocabulary';
import type { StateLoss } from '../losses/state-loss';
import type { ParameterSet } from '../parameters';
import {
  type Computed,
  type ComputeEntry,
  type Entry,
  type Finals,
  type KeyValueRange,
  Segment,
  type SegmentOptions,
  type States,
  type TraceContext,
  type Value,
} from './entries';
import { LearnedPositions } from './learned-positions';

type Trace<R> = (context: TraceContext, inputs: readonly Tensor[]) => R;

/**
 * One pass over a batch, recorded once in the order and the terms of its paper, and run by two back ends: as one graph
 * (`traceTape`) or as small programs shared by all layers (`compileLayerwise`). Neither knows a method.
 *
 * Letters: B samples, P positions of a segment, L layers, H hidden size. Batch inputs are read by name.
 */
export class Tape {
  readonly entries: Entry[] = [];
  private readonly positions = new LearnedPositions(this);

  constructor(
    readonly parameters: ParameterSet,
    /** B */
    readonly batch: number,
  ) {}

  /** Input embeddings [B·P, H] of `count` tokens per sample, with ids i32 [B, P] fed as `name`. */
  tokens(name: string, count: number): Computed {
    return this.compute(`embedding of ${name}`, [this.batch * count, this.hidden], [], ({ graph, model }) =>
      embed(model, graph.input(name, [this.batch, count], 'i32')),
    );
  }

  /**
   * Runs input embeddings [B·P, H] through all layers; where positions are learned, with theirs added.
   * @throws ConfigError for an unknown adapter
   */
  segment(x: Computed, options: SegmentOptions = {}): Segment {
    const learned = this.parameters.config.positions === 'learned';
    const placed = learned ? this.positions.placed(x, options) : undefined;
    const segment = new Segment(this.batch, this.hidden, this.layers, placed?.x ?? x, options);
    if (placed) this.positions.remember(segment, placed.reach);
    for (const adapter of segment.adapters)
      if (!Object.hasOwn(this.parameters.adapters, adapter))
        throw new ConfigError(
          `a segment names the adapter "${adapter}"; there are ${Object.keys(this.parameters.adapters).join(', ') || 'none'}`,
          'Declare it among the recipe’s adapters.',
        );
    this.entries.push(segment);
    return segment;
  }

  /** The next latent z [B, H] made from a final hidden state [B, H]: softmax(logits/τ)·E, or the state itself. */
  feedback(state: Finals, filter: LatentFilter): Computed {
    return this.compute(
      `feedback ${filter.kind} ${filter.temperature}`,
      state.shape,
      [state],
      ({ model }, [h]) => latentOf(model, h as Tensor, filter),
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
    trace: Trace<Tensor>,
    parameters: readonly string[] = [],
  ): Computed {
    const entry: ComputeEntry = { kind: 'compute', name, shape, inputs, parameters, trace };
    this.add(entry);
    return { kind: 'computed', entry, shape, detached: false };
  }

  /** Final states of several parts of a sample, one after another: [B·n, H] of all their positions. */
  rows(...parts: readonly Finals[]): Computed {
    const B = this.batch;
    const H = this.hidden;
    const counts = parts.map(({ shape }) => (shape[0] as number) / B);
    const total = counts.reduce((sum, n) => sum + n, 0);
    return this.compute(`rows ${counts}`, [B * total, H], parts, (_context, inputs) =>
      o.reshape(
        o.concat(
          inputs.map((x, i) => o.reshape(x, [B, counts[i] as number, H])),
          1,
        ),
        [B * total, H],
      ),
    );
  }

  /** Hidden states of all layers at each row's own position in a segment, i32 [B] fed as `positions`: [B, L, H]. */
  statesAt(segment: Segment, positions: string): Computed {
    const { batch: B, layers: L, hidden: H } = this;
    const P = segment.positions;
    return this.compute(`states at ${positions}`, [B, L, H], [segment.states], ({ graph }, [states]) => {
      const column = graph.constant(
        Int32Array.from({ length: P }, (_, p) => p),
        [1, P, 1, 1],
        'i32',
      );
      const chosen = o.equal(o.reshape(graph.input(positions, [B], 'i32'), [B, 1, 1, 1]), column);
      return o.reduceSum(o.where(chosen, states as Tensor, 0), [1]);
    });
  }

  /** The hidden states [B, K, L, H] of segments of one position each. */
  stack(segments: readonly Segment[]): States {
    const shape = [this.batch, segments.length, this.layers, this.hidden];
    return {
      kind: 'states',
      tracks: segments.map((segment) => ({ segment, positions: [0] })),
      shape,
      detached: false,
    };
  }

  /** The value, through which no gradient flows. */
  detach<V extends Value>(value: V): V {
    return { ...value, detached: true };
  }

  /** Weight · mean cross entropy of the targets i32 [B, n] given final states [B·n, H]; weight 0 leaves out the term. */
  crossEntropy(
    name: string,
    weight: number,
    states: Finals | Computed,
    inputs: { targets: string; weights: string },
  ): void {
    if (weight === 0) return;
    const shape = [this.batch, (states.shape[0] as number) / this.batch];
    this.loss([name], [states], ({ graph, model }, [hidden]) => [
      o.mul(
        headCrossEntropy(
          model,
          hidden as Tensor,
          graph.input(inputs.targets, shape, 'i32'),
          graph.input(inputs.weights, shape),
        ),
        weight,
      ),
    ]);
  }

  /** A loss on hidden states. Without terms, because its weights are 0, it is left out with everything that only it reads. */
  stateLoss(loss: StateLoss | undefined, states: States): void {
    if (!loss || loss.terms.length === 0) return;
    const trace: Trace<readonly Tensor[]> = (_context, [x]) => loss.trace(x as Tensor);
    this.add({
      kind: 'loss',
      names: loss.terms,
      inputs: [states],
      parameters: [],
      trace,
      kernel: loss.kernel,
    });
  }

  /** Any other weighted terms of values of the tape; each a scalar. */
  loss(names: readonly string[], inputs: readonly Value[], trace: Trace<readonly Tensor[]>): void {
    this.add({ kind: 'loss', names, inputs, parameters: [], trace });
  }

  /**
   * A loss on keys and values, summed over layers.
   * @param target name of the batch input [L, …] with the target of every layer
   * @param trace k and v [B, kvHeads, n, d] of one layer, and its target → the weighted term
   */
  keyValueLoss(
    name: string,
    range: KeyValueRange,
    target: { readonly name: string; readonly shape: Shape },
    trace: (k: Tensor, v: Tensor, target: Tensor) => Tensor,
  ): void {
    this.add({ kind: 'keyValueLoss', name, range, target, trace });
    range.segment.read({ keyValues: true });
  }

  /** A value that the pass outputs besides its terms. */
  output(name: string, value: Finals | States): void {
    this.add({ kind: 'output', name, inputs: [value] });
  }

  /** Names of the terms, in the order they were recorded. */
  get terms(): readonly string[] {
    return this.entries.flatMap(termsOf);
  }

  private get hidden(): number {
    return this.parameters.config.hiddenSize;
  }
  private get layers(): number {
    return this.parameters.config.layers;
  }

  private add(entry: Exclude<Entry, Segment>): void {
    for (const input of 'inputs' in entry ? entry.inputs : []) readValue(input);
    const twice = termsOf(entry).find((name) => this.terms.includes(name));
    if (twice !== undefined)
      throw new ConfigError(`two loss terms are named "${twice}"`, 'Give each a name of its own.');
    this.entries.push(entry);
  }
}

/** Names of an entry's terms. */
export function termsOf(entry: Entry): readonly string[] {
  if (entry.kind === 'loss') return entry.names;
  return entry.kind === 'keyValueLoss' ? [entry.name] : [];
}

/** Notes on segments which of their states are read. */
function readValue(value: Value): void {
  if (value.kind === 'finals') value.segment.read({ finals: value });
  if (value.kind === 'states')
    for (const { segment, positions } of value.tracks) {
      if (positions.some((p) => p < 0 || p >= segment.positions))
        throw new ConfigError(
          `states at ${showShape(positions)} of a segment of ${segment.positions} positions`,
          'Choose positions within the segment.',
        );
      segment.read({ states: positions });
    }
}
