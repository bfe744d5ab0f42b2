import { quote } from '../../text/quote';
import { InputError } from '../base/errors';
import type { Block } from './blocked-logits';

/** How the next token is drawn. The order is that of Hugging Face's generate: temperature, top-k, then top-p of what is left. */
export interface SamplingOptions {
  /** τ of softmax(logits/τ); 0 takes the most probable token, whatever the other options. */
  readonly temperature: number;
  /** Only the k most probable tokens, ties going to the lowest id; `null` for all. */
  readonly topK: number | null;
  /**
   * Only the most probable tokens up to a total probability of p, including the one that reaches it; 1 for
   * all.
   */
  readonly topP: number;
}

/** Below this, exp((x − M)/τ) tells only which logit is the largest. As contract/generate.ts has it for forms. */
export const MIN_TEMPERATURE = 1e-4;

/** @throws InputError naming the value and the allowed ones */
export function checkSampling({ temperature, topK, topP }: SamplingOptions): void {
  const refuse = (what: string, value: unknown, expected: string): never => {
    throw new InputError(`${what}: ${quote(value)}; ${expected} is expected`, `Choose ${expected}.`);
  };
  if (!(temperature === 0 || (temperature >= MIN_TEMPERATURE && temperature <= 100)))
    refuse('temperature', temperature, `0 or a number from ${MIN_TEMPERATURE} to 100`);
  if (topK !== null && !(Number.isInteger(topK) && topK >= 1))
    refuse('top-k', topK, 'a whole number of at least 1, or none');
  if (!(topP > 0 && topP <= 1)) refuse('top-p', topP, 'a number above 0 and up to 1');
}

/** One row's logits, as far as they are known without reading them: see `blocksProgram`. */
export interface BlockedRow {
  readonly blocks: readonly Block[];
  /** [N], the largest logit of each block. */
  readonly maxima: Float32Array;
  /** [N], Σ exp((x − M)/τ) of each block. */
  readonly masses: Float32Array;
}

export interface Draw {
  readonly id: number;
  readonly logit: number;
  /** The probability with which it was drawn, after temperature, top-k and top-p. */
  readonly probability: number;
}

/** Yields the indices of blocks and is sent their logits in that order; W or `count` values each. */
export type Drawing = Generator<readonly number[], Draw, readonly Float32Array[]>;

/**
 * Draws a token of one row: the inverse of the distribution function at `u` in [0, 1). Exact up to rounding, whatever k and p: blocks
 * are read, those with the largest maxima first, until nothing unread can be among the kept tokens.
 */
export function* draw(row: BlockedRow, options: SamplingOptions, u: number, atOnce = 32): Drawing {
  const { topK, topP, temperature } = options;
  const weight = weightOf(row, temperature);
  if (topK === null && topP === 1) return yield* drawFromAll(row, weight, u);
  const all = sumOf(row.masses);
  const kept = new Kept(row, weight);
  const enough = (): boolean => (topK === null ? kept.mass >= topP * all : kept.settled >= topK);
  while (!enough() && !kept.complete) {
    const asked = kept.next(atOnce);
    kept.add(asked, yield asked);
  }
  if (topK !== null) kept.cut(topK);
  const { ids, logits } = kept;
  const total = topK === null ? all : kept.mass;
  // A token is kept if those before it fall short of p.
  let count = 0;
  let mass = 0;
  while (count < ids.length && (count === 0 || mass < topP * total))
    mass += weight(logits[count++] as number);
  const weights = logits.slice(0, count).map(weight);
  const i = indexAt(weights, u * mass);
  return { id: ids[i] as number, logit: logits[i] as number, probability: (weights[i] as number) / mass };
}

/** Without top-k and top-p only one block is read: the one that u falls into. */
function* drawFromAll({ masses, blocks }: BlockedRow, weight: Weight, u: number): Drawing {
  const total = sumOf(masses);
  const n = indexAt(masses, u * total);
  const mass = masses[n] as number;
  const before = sumOf(masses.subarray(0, n));
  const [values] = yield [n];
  const { first, count } = blocks[n] as Block;
  const weights = Array.from((values as Float32Array).subarray(0, count), weight);
  // The device's sum over the block and this one differ by rounding.
  const inside = sumOf(weights);
  const i = indexAt(weights, ((u * total - before) / mass) * inside);
  return {
    id: first + i,
    logit: (values as Float32Array)[i] as number,
    probability: ((weights[i] as number) / inside) * (mass / total),
  };
}

/** The first i with Σ_{j≤i} weights > t, never one of weight 0: t in [0, Σ) up to rounding. */
function indexAt(weights: ArrayLike<number>, t: number): number {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    sum += weight;
    last = i;
    if (sum > t) break;
  }
  return last;
}

type Weight = (logit: number) => number;

/** exp((x − M)/τ) in float64. */
function weightOf({ maxima }: BlockedRow, temperature: number): Weight {
  const max = largestOf(maxima);
  const scale = scaleOf(temperature);
  return (x) => Math.exp((x - max) * scale);
}

/** 1/τ rounded as on the device. */
export const scaleOf = (temperature: number): number => Math.fround(1 / temperature);

export const largestOf = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b));

const sumOf = (values: ArrayLike<number> & Iterable<number>): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};

/** The most probable tokens, found by reading blocks in the order of their maxima. */
class Kept {
  /** Most probable first, ties in order of id: the first `settled` tokens of the whole distribution. */
  readonly ids: number[] = [];
  readonly logits: number[] = [];
  /** Σ exp((x − M)/τ) of these. */
  mass = 0;
  /** Read, but an unread block may hold larger ones. */
  private open: { readonly id: number; readonly x: number }[] = [];
  private readonly order: number[];
  private asked = 0;

  constructor(
    private readonly row: BlockedRow,
    private readonly weight: Weight,
  ) {
    const { maxima } = row;
    this.order = Array.from(maxima.keys()).sort(
      (a, b) => (maxima[b] as number) - (maxima[a] as number) || a - b,
    );
  }

  get settled(): number {
    return this.ids.length;
  }

  /** Whether every block has been read. */
  get complete(): boolean {
    return this.asked === this.order.length;
  }

  /** The next blocks to read. */
  next(count: number): readonly number[] {
    const asked = this.order.slice(this.asked, this.asked + count);
    this.asked += asked.length;
    return asked;
  }

  add(asked: readonly number[], values: readonly Float32Array[]): void {
    asked.forEach((n, j) => {
      const { first, count } = this.row.blocks[n] as Block;
      for (let i = 0; i < count; i++) this.open.push({ id: first + i, x: values[j]?.[i] as number });
    });
    const bound = this.complete
      ? Number.NEGATIVE_INFINITY
      : (this.row.maxima[this.order[this.asked] as number] as number);
    // A tie with an unread block waits for it: its ids may be lower.
    const isSettled = ({ x }: { readonly x: number }): boolean => x > bound || this.complete;
    const found = this.open.filter(isSettled).sort((a, b) => b.x - a.x || a.id - b.id);
    this.open = this.open.filter((token) => !isSettled(token));
    for (const { id, x } of found) {
      this.ids.push(id);
      this.logits.push(x);
      this.mass += this.weight(x);
    }
  }

  /** Leaves the first k. */
  cut(k: number): void {
    this.ids.length = Math.min(this.ids.length, k);
    this.logits.length = this.ids.length;
    this.mass = sumOf(this.logits.map(this.weight));
  }
}
