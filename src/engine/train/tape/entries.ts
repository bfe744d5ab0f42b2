import { ConfigError } from '../../base/errors';
import type { Shape } from '../../base/shape';
import type { Graph, Tensor } from '../../graph/graph';
import type { KeyValues } from '../../nn/layer';
import type { StackModel } from '../../nn/stack';
import type { StateLoss } from '../losses/state-loss';

/** What a traced function on the tape can use. */
export interface TraceContext {
  readonly graph: Graph;
  /** Embedding, final norm and head; no layers. */
  readonly model: StackModel;
  /** The value of a trained parameter. */
  parameter(name: string): Tensor;
}

export type Trace<R = Tensor> = (context: TraceContext, inputs: readonly Tensor[]) => R;

interface OfShape {
  readonly shape: Shape;
  /** Whether no gradient flows through it. */
  readonly detached: boolean;
}

/** A batch input. */
export interface InputSpec {
  readonly name: string;
  readonly shape: Shape;
}

/** The value of a compute entry. */
export interface Computed extends OfShape {
  readonly kind: 'computed';
  readonly entry: FunctionEntry;
}

/** A batch input as a value, so that entries that read different ones can share a program; no gradient flows to it. */
export interface Fed extends OfShape, InputSpec {
  readonly kind: 'fed';
}

/** Positions of a segment. */
export interface Track {
  readonly segment: Segment;
  readonly positions: readonly number[];
}

/**
 * Hidden states at positions of segments: hidden_states[1..L], [B, n, L, H] (or [B, L, H] at one), or only
 * the last layer's.
 */
export interface States extends OfShape {
  readonly kind: 'states';
  readonly layers: 'all' | 'last';
  readonly tracks: readonly Track[];
}

/** Final hidden states, after the final norm: [B·n, H]. */
export interface Finals extends States {
  readonly layers: 'last';
}

export type Value = Computed | Fed | States;

/** Keys and values of every layer at columns [from, to), written by the segment and those before it. */
export interface KeyValueRange {
  readonly segment: Segment;
  readonly from: number;
  readonly to: number;
}

/** A function of values: a value of its own, an output of the tape, or weighted loss terms [n]. */
export interface FunctionEntry {
  readonly kind: 'compute' | 'output' | 'loss';
  readonly name: string;
  readonly shape: Shape;
  readonly inputs: readonly Value[];
  /** Names of the trained parameters it reads. */
  readonly parameters: readonly string[];
  /** Names of a loss's terms. */
  readonly terms: readonly string[];
  readonly trace: Trace;
  /** A loss's forward and reverse pass as kernels, on its only input. */
  readonly kernel?: StateLoss['kernel'];
}

/** What one layer of a key/value loss may read; [B, kvHeads, n, d] are keys and values, rotated by their columns. */
export interface LayerOfKeyValues {
  readonly graph: Graph;
  readonly own: KeyValues;
  /**
   * Those of other columns, with the attention [B, heads, P, n] that their segment's P positions pay to them;
   * all detached.
   */
  readonly teacher: KeyValues & { readonly attention: Tensor };
  /** In the order of the entry's `inputs`. */
  readonly inputs: readonly Tensor[];
}

/** A loss on keys and values against those of other columns, one layer at a time, and summed over layers. */
export interface KeyValueLossEntry {
  readonly kind: 'keyValueLoss';
  readonly terms: readonly [string];
  readonly own: KeyValueRange;
  /** Keys and values that it is compared with, through which no gradient flows. */
  readonly teacher: KeyValueRange;
  /** Batch inputs that every layer reads. */
  readonly inputs: readonly InputSpec[];
  readonly trace: (layer: LayerOfKeyValues) => Tensor;
}

export type Entry = Segment | FunctionEntry | KeyValueLossEntry;

export interface SegmentOptions {
  /** The segment before it: its positions see the keys and values of that segment and of all segments before that. */
  readonly after?: Segment;
  /** Names of the adapters it runs with, in order. */
  readonly adapters?: readonly string[];
  /**
   * Batch input [B, 1, 1, P], additive: 0 where later positions (and the segment's own) may see a position, −1e9 where they
   * may not, as at padding and at latents beyond a row's own number.
   */
  readonly mask?: string;
  /**
   * Batch input i32 [B, P]: each row's RoPE positions, for when masked columns before it must not count. By
   * default a position is its column; left padding in the first segment shifts the whole row, which does not
   * affect RoPE and is subtracted if positions are learned.
   */
  readonly positions?: string;
}

/** P positions run through all layers. The recording notes which of its states are read. */
export class Segment {
  readonly kind = 'segment';
  readonly after: Segment | undefined;
  readonly adapters: readonly string[];
  readonly mask: string | undefined;
  readonly rowPositions: string | undefined;
  /** P */
  readonly positions: number;
  /** Its first column. */
  readonly from: number;
  /** Whether a later segment or a loss reads its keys and values. */
  writes = false;
  /** Whether a loss reads its attention weights. */
  attends = false;
  /** Whether more is read than final states of single positions. */
  private readsMore = false;
  private readonly single = new Set<number>();

  /** @param index its place among the tape's segments  @param sizes of the model and the batch */
  constructor(
    readonly index: number,
    private readonly sizes: { readonly batch: number; readonly hidden: number; readonly layers: number },
    readonly x: Computed,
    { after, adapters = [], mask, positions }: SegmentOptions,
    /** Its input embeddings before position embeddings are added, if the model has any. */
    readonly fed: Computed = x,
  ) {
    const { batch, hidden } = sizes;
    const [rows, width] = x.shape as readonly [number, number];
    if (x.shape.length !== 2 || width !== hidden || rows % batch !== 0)
      throw new ConfigError(
        `a segment is fed [${x.shape.join(', ')}]; [${batch}·P, ${hidden}] is expected`,
        'Feed it embeddings for every row of the batch.',
      );
    this.after = after;
    this.adapters = adapters;
    this.mask = mask;
    this.rowPositions = positions;
    this.positions = rows / batch;
    this.from = after?.end ?? 0;
    if (after) after.writes = true;
  }

  /** The column after its last one. */
  get end(): number {
    return this.from + this.positions;
  }

  /** All its positions. */
  get all(): readonly number[] {
    return Array.from({ length: this.positions }, (_, p) => p);
  }

  /** The segments of its past, first to last, and itself. */
  get lineage(): readonly Segment[] {
    return [...(this.after?.lineage ?? []), this];
  }

  /** Final hidden states at positions [from, to); by default up to the last. @throws ConfigError if there are none */
  finals(from = 0, to = this.positions): Finals {
    const { batch, hidden } = this.sizes;
    return { ...this.read(from, to, [batch * (to - from), hidden]), layers: 'last' };
  }

  /** The final hidden state of its last position, [B, H]. */
  get last(): Finals {
    return this.finals(this.positions - 1);
  }

  /** States of all layers at one position, [B, L, H]. @throws ConfigError if there is none */
  at(position: number): States {
    const { batch, hidden, layers } = this.sizes;
    return this.read(position, position + 1, [batch, layers, hidden]);
  }

  /** States of all layers at all positions, [B, P, L, H]. */
  get states(): States {
    const { batch, hidden, layers } = this.sizes;
    return this.read(0, this.positions, [batch, this.positions, layers, hidden]);
  }

  /** Keys and values at columns [from, to) of its past and its own. @throws ConfigError if not all have been written */
  keyValues(from: number, to: number): KeyValueRange {
    checkRange('keys and values', from, to, this.end, 'columns');
    return { segment: this, from, to };
  }

  /** Positions that are read one by one, in ascending order. */
  get watched(): readonly number[] {
    return [...this.single].sort((a, b) => a - b);
  }

  /** Whether its watched positions are an output of their own, because there are others. */
  get separates(): boolean {
    return this.single.size > 0 && this.single.size < this.positions;
  }

  /** Whether nothing but the last position's final state is read. */
  get lastOnly(): boolean {
    const others = this.watched.some((p) => p !== this.positions - 1);
    return this.positions > 1 && !this.readsMore && !this.attends && !others;
  }

  /** Notes that an entry reads states of it. */
  note({ layers }: States, positions: readonly number[]): void {
    const each = layers === 'all' || (positions.length === 1 && this.positions > 1);
    if (each) for (const p of positions) this.single.add(p);
    if (layers === 'all' || !each) this.readsMore = true;
  }

  private read(from: number, to: number, shape: Shape): States {
    checkRange('states', from, to, this.positions, 'positions');
    const tracks = [{ segment: this, positions: this.all.slice(from, to) }];
    return { kind: 'states', layers: 'all', tracks, shape, detached: false };
  }
}

function checkRange(what: string, from: number, to: number, end: number, of: string): void {
  if (!(0 <= from && from < to && to <= end))
    throw new ConfigError(
      `${what} [${from}, ${to}) of a segment that ends after ${end} ${of}`,
      `Choose ${of} within it.`,
    );
}

/** Name of an input derived for one segment from the batch's inputs, see `tapeFeeds`. */
export const segmentInput = ({ index }: Pick<Segment, 'index'>, name: string): string =>
  `${name} of segment ${index}`;

/** Entries that compute a value on the tape and can have a cotangent. */
export type Producer = Segment | FunctionEntry;

/** Names of an entry's loss terms. */
export const termsOf = (entry: Entry): readonly string[] => (entry.kind === 'segment' ? [] : entry.terms);

/** Entries whose values `entry` reads, once per read; those through which no gradient flows are `detached`. */
export function producersOf(entry: Entry): { readonly producer: Producer; readonly detached: boolean }[] {
  if (entry.kind === 'keyValueLoss')
    return [
      { producer: entry.own.segment, detached: false },
      { producer: entry.teacher.segment, detached: true },
    ];
  if (entry.kind === 'segment')
    return [entry.x.entry, ...(entry.after ? [entry.after] : [])].map((producer) => ({
      producer,
      detached: entry.x.detached && producer === entry.x.entry,
    }));
  return entry.inputs.flatMap((value) =>
    [...producersOfValue(value)].map((producer) => ({ producer, detached: value.detached })),
  );
}

function producersOfValue(value: Value): ReadonlySet<Producer> {
  if (value.kind === 'fed') return new Set();
  if (value.kind === 'computed') return new Set([value.entry]);
  return new Set(value.tracks.map(({ segment }) => segment));
}
