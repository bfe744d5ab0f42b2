/**
 * The graph as seen through its values (nodes need no name), and the values through which everything goes that flows from
 * one of them to another. In a network with a residual stream, these are what the stream holds between two blocks.
 */
import { quote } from '../../../text/quote';
import type { OnnxModel, OnnxNode } from './model';
import { damaged } from './wire';

/** Their outputs tell sizes, not values. */
const SIZES = new Set(['Shape', 'Size']);
/** They normalise the sum of their first two inputs and the bias, and give that sum as their fourth output. */
const SKIP_NORMS = new Set(['SkipSimplifiedLayerNormalization', 'SkipLayerNormalization']);
const SUM = 3;

export class Flow {
  private readonly numbers = new Map<string, number>();
  /** Names by number; sums inside nodes and nodes with several ends have none. */
  private readonly names: (string | undefined)[] = [];
  private readonly next: number[][] = [];
  private readonly previous: number[][] = [];
  private readonly makers = new Map<string, OnnxNode>();
  private readonly readers = new Map<string, OnnxNode[]>();

  /** @throws FileError for a value that is made twice */
  constructor({ nodes }: Pick<OnnxModel, 'nodes'>) {
    const sums = new Map<string, string>();
    for (const node of nodes) {
      for (const name of node.outputs) {
        if (name === '') continue;
        if (this.makers.has(name)) throw damaged(`makes the value ${quote(name)} twice`);
        this.makers.set(name, node);
      }
      for (const name of new Set([...node.inputs, ...node.captured])) {
        const readers = this.readers.get(name);
        if (readers) readers.push(node);
        else this.readers.set(name, [node]);
      }
      if (node.op === 'Add' && node.outputs[0]) sums.set(addends(node), node.outputs[0]);
    }
    for (const node of nodes) this.link(node, sums);
  }

  maker(value: string): OnnxNode | undefined {
    return this.makers.get(value);
  }

  readersOf(value: string): readonly OnnxNode[] {
    return this.readers.get(value) ?? [];
  }

  /**
   * The values that every path from `from` to `to` goes through, in order, both included; none if there is no path. @throws FileError if the graph has a cycle
   */
  cuts(from: string, to: string): Cuts {
    const [start, end] = [this.numbers.get(from), this.numbers.get(to)];
    const forward = start === undefined ? new Set<number>() : reached(start, this.next);
    if (start === undefined || end === undefined || !forward.has(end)) return new Cuts([], [], forward);
    const back = reached(end, this.previous);
    const order = this.sorted(forward, back, start);
    const place = new Map(order.map((at, i) => [at, i]));
    const cuts: number[] = [];
    // No edge leads past a cut. `furthest`: how far the edges from earlier values lead.
    let furthest = 0;
    order.forEach((at, i) => {
      if (furthest <= i) cuts.push(at);
      for (const after of this.next[at] as number[]) furthest = Math.max(furthest, place.get(after) ?? 0);
    });
    return new Cuts(
      cuts,
      cuts.map((at) => this.names[at]),
      forward,
    );
  }

  /** Index in `cuts` of the last one that `value` depends on; −1 if on none. */
  lastBefore(value: string, { index }: Cuts): number {
    const start = this.numbers.get(value);
    if (start === undefined) return -1;
    let last = -1;
    // What lies before a cut need not be looked at: the cut comes later.
    reached(start, this.previous, (at) => {
      last = Math.max(last, index.get(at) ?? -1);
      return index.has(at);
    });
    return last;
  }

  /** Whether `value` depends on what the cuts begin with. */
  isAfter(value: string, { reached: after }: Cuts): boolean {
    const at = this.numbers.get(value);
    return at !== undefined && after.has(at);
  }

  private number(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    const made = this.fresh(name);
    this.numbers.set(name, made);
    return made;
  }

  private fresh(name?: string): number {
    this.next.push([]);
    this.previous.push([]);
    return this.names.push(name) - 1;
  }

  private edge(from: number, to: number): void {
    this.next[from]?.push(to);
    this.previous[to]?.push(from);
  }

  private link(node: OnnxNode, sums: ReadonlyMap<string, string>): void {
    if (SIZES.has(node.op)) return;
    const made = node.outputs.filter((name) => name !== '');
    if (SKIP_NORMS.has(node.op) && made.length > 0) {
      // Some exports add the same two values once more beside it.
      const name = node.outputs[SUM] || (node.inputs[BIAS[node.op] ?? 0] ? '' : sums.get(addends(node)));
      const sum = name ? this.number(name) : this.fresh();
      for (const read of node.inputs) if (read !== '') this.edge(this.number(read), sum);
      for (const out of made) if (out !== name) this.edge(sum, this.number(out));
      return;
    }
    const read = [...node.inputs, ...node.captured].filter((name) => name !== '');
    // The second input of CastLike only tells a type.
    if (node.op === 'CastLike') read.splice(1);
    if (made.length === 1) {
      for (const name of read) this.edge(this.number(name), this.number(made[0] as string));
      return;
    }
    const middle = this.fresh();
    for (const name of read) this.edge(this.number(name), middle);
    for (const name of made) this.edge(middle, this.number(name));
  }

  /** The values that are in both sets, each after those it depends on. */
  private sorted(forward: ReadonlySet<number>, back: ReadonlySet<number>, start: number): number[] {
    const chosen = (at: number): boolean => forward.has(at) && back.has(at);
    const waiting = new Map<number, number>();
    let count = 0;
    for (const at of forward) {
      if (!chosen(at)) continue;
      count++;
      waiting.set(at, (this.previous[at] as number[]).filter(chosen).length);
    }
    const ready = [start];
    const order: number[] = [];
    while (ready.length > 0) {
      const at = ready.pop() as number;
      order.push(at);
      for (const after of this.next[at] as number[]) {
        const left = waiting.get(after);
        if (left === undefined) continue;
        waiting.set(after, left - 1);
        if (left === 1) ready.push(after);
      }
    }
    if (order.length < count || waiting.get(start) !== 0)
      throw damaged('has a graph that goes round in a circle');
    return order;
  }
}

/** The values that everything goes through from one value to another, in order. */
export class Cuts {
  readonly index: ReadonlyMap<number, number>;

  constructor(
    numbers: readonly number[],
    /** `undefined` for one inside a node. */
    readonly values: readonly (string | undefined)[],
    /** Everything that depends on the first. */
    readonly reached: ReadonlySet<number>,
  ) {
    this.index = new Map(numbers.map((at, i) => [at, i]));
  }
}

/** Index of the bias among the inputs of a skip norm. */
const BIAS: Readonly<Record<string, number>> = {
  SkipSimplifiedLayerNormalization: 3,
  SkipLayerNormalization: 4,
};

const addends = ({ inputs }: OnnxNode): string => JSON.stringify(inputs.slice(0, 2).sort());

/** Everything reached from `start`; beyond a value for which `stop` returns true, it goes no further. */
function reached(start: number, along: readonly number[][], stop?: (at: number) => boolean): Set<number> {
  const seen = new Set([start]);
  const open = [start];
  while (open.length > 0) {
    const at = open.pop() as number;
    if (stop?.(at)) continue;
    for (const other of along[at] as number[])
      if (!seen.has(other)) {
        seen.add(other);
        open.push(other);
      }
  }
  return seen;
}
