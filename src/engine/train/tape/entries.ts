import { ConfigError } from '../../base/errors';
import type { Shape } from '../../base/shape';
import type { Graph, Tensor } from '../../graph/graph';
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

interface OfShape {
  readonly shape: Shape;
  /** Whether no gradient flows through it. */
  readonly detached: boolean;
}

/** The value of a compute entry. */
export interface Computed extends OfShape {
  readonly kind: 'computed';
  readonly entry: ComputeEntry;
}

/** Final hidden states (after the final norm) of a segment's positions [from, to): [B·(to − from), H]. */
export interface Finals extends OfShape {
  readonly kind: 'finals';
  readonly segment: Segment;
  readonly from: number;
  readonly to: number;
}

/** hidden_states[1..L] at positions of segments: [B, n, L, H], or [B, L, H] at one position. */
export interface States extends OfShape {
  readonly kind: 'states';
  readonly tracks: readonly { readonly segment: Segment; readonly positions: readonly number[] }[];
}

/** Keys and values of every layer at columns [from, to), written by the segment and those before it. */
export interface KeyValueRange {
  readonly segment: Segment;
  readonly from: number;
  readonly to: number;
}

export type Value = Computed | Finals | States;

interface Reads {
  readonly inputs: readonly Value[];
}

export interface ComputeEntry extends Reads {
  readonly kind: 'compute';
  readonly name: string;
  readonly shape: Shape;
  readonly parameters: readonly string[];
  readonly trace: (context: TraceContext, inputs: readonly Tensor[]) => Tensor;
}

/** Weighted scalar terms. */
export interface LossEntry extends Reads {
  readonly kind: 'loss';
  readonly names: readonly string[];
  readonly parameters: readonly string[];
  readonly trace: (context: TraceContext, inputs: readonly Tensor[]) => readonly Tensor[];
  /** The same as kernels, on its only input. */
  readonly kernel?: StateLoss['kernel'];
}

export interface KeyValueLossEntry {
  readonly kind: 'keyValueLoss';
  readonly name: string;
  readonly range: KeyValueRange;
  readonly target: { readonly name: string; readonly shape: Shape };
  readonly trace: (k: Tensor, v: Tensor, target: Tensor) => Tensor;
}

export interface OutputEntry extends Reads {
  readonly kind: 'output';
  readonly name: string;
}

export type Entry = Segment | ComputeEntry | LossEntry | KeyValueLossEntry | OutputEntry;

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
   * Batch input i32 [B, P]: each row's RoPE positions, for when masked columns before it must not count. By default a
   * position is its column; left padding in the first segment shifts the whole row, which does not affect RoPE.
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
  /** Whether final states of more than single positions are read. */
  readsAllFinals = false;
  /** Whether states of every layer are read. */
  readsStates = false;
  private readonly single = new Set<number>();

  constructor(
    private readonly batch: number,
    private readonly hidden: number,
    private readonly layers: number,
    readonly x: Computed,
    { after, adapters = [], mask, positions }: SegmentOptions,
  ) {
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

  /** The segments of its past, first to last, and itself. */
  get lineage(): readonly Segment[] {
    return [...(this.after?.lineage ?? []), this];
  }

  /** Final hidden states at positions [from, to); by default up to the last. */
  finals(from = 0, to = this.positions): Finals {
    if (!(0 <= from && from < to && to <= this.positions))
      throw new ConfigError(
        `final states [${from}, ${to}) of a segment of ${this.positions} positions`,
        'Choose positions within the segment.',
      );
    return {
      kind: 'finals',
      segment: this,
      from,
      to,
      shape: [this.batch * (to - from), this.hidden],
      detached: false,
    };
  }

  /** The final hidden state of its last position, [B, H]. */
  get last(): Finals {
    return this.finals(this.positions - 1);
  }

  /** States of all layers at one position, [B, L, H]. */
  at(position: number): States {
    const shape = [this.batch, this.layers, this.hidden];
    return { kind: 'states', tracks: [{ segment: this, positions: [position] }], shape, detached: false };
  }

  /** States of all layers at all positions, [B, P, L, H]. */
  get states(): States {
    const positions = Array.from({ length: this.positions }, (_, p) => p);
    const shape = [this.batch, this.positions, this.layers, this.hidden];
    return { kind: 'states', tracks: [{ segment: this, positions }], shape, detached: false };
  }

  /** Keys and values at columns [from, to) of its past and its own. */
  keyValues(from: number, to: number): KeyValueRange {
    if (!(0 <= from && from < to && to <= this.end))
      throw new ConfigError(
        `keys and values [${from}, ${to}) after ${this.end} columns`,
        'Choose columns that have been written.',
      );
    return { segment: this, from, to };
  }

  /** Positions with a separate output: none, some, or all. */
  get watched(): readonly number[] {
    return [...this.single].sort((a, b) => a - b);
  }

  /** Whether nothing but the last position's final state is read. */
  get lastOnly(): boolean {
    return (
      this.positions > 1 &&
      !this.readsAllFinals &&
      !this.readsStates &&
      [...this.single].every((p) => p === this.positions - 1)
    );
  }

  /** Notes what an entry reads of it. */
  read(what: { finals?: Finals; states?: readonly number[]; keyValues?: boolean }): void {
    const { finals, states, keyValues } = what;
    if (keyValues) this.writes = true;
    if (finals) {
      if (finals.to - finals.from === 1 && this.positions > 1) this.single.add(finals.from);
      else this.readsAllFinals = true;
    }
    if (states) {
      this.readsStates = true;
      for (const p of states) this.single.add(p);
    }
  }
}

/** What is computed on the tape and can have a cotangent. */
export type Producer = Segment | ComputeEntry;

/** Entries whose values `entry` reads, once for each read; those through which no gradient flows are `detached`. */
export function producersOf(entry: Entry): { readonly producer: Producer; readonly detached: boolean }[] {
  if (entry.kind === 'segment')
    return [entry.x.entry, ...(entry.after ? [entry.after] : [])].map((producer) => ({
      producer,
      detached: false,
    }));
  if (entry.kind === 'keyValueLoss') return [{ producer: entry.range.segment, detached: false }];
  return entry.inputs.flatMap((value) =>
    producers(value).map((producer) => ({ producer, detached: value.detached })),
  );
}

function producers(value: Value): Producer[] {
  if (value.kind === 'computed') return [value.entry];
  if (value.kind === 'finals') return [value.segment];
  return [...new Set(value.tracks.map(({ segment }) => segment))];
}
