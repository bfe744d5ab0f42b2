import type { Replacement } from '../../../contract/thought-test';
import type { Rng } from '../../base/rng';

/** The thoughts of n problems, K of H numbers each: [n, K, H]. */
export interface Thoughts {
  readonly values: Float32Array<ArrayBuffer>;
  /** n */
  readonly problems: number;
  /** K */
  readonly steps: number;
  /** H */
  readonly hidden: number;
  /** How many of the K thoughts each problem has (the first ones); by default all. */
  readonly lengths?: Int32Array | undefined;
}

/** Thoughts to feed instead, [n, K, H], and the problems that have them: all, unless some have no partner. */
export interface Replaced {
  readonly values: Float32Array<ArrayBuffer>;
  readonly problems: readonly number[];
}

export interface ReplaceOptions {
  readonly rng: Rng;
  /** Reference answers, by problem. */
  readonly answers: readonly string[];
  /** The pause's embedding, [H]. */
  readonly pause: Float32Array;
}

/** How many thoughts a problem has. */
export const lengthOf = ({ lengths, steps }: Thoughts, problem: number): number =>
  lengths?.[problem] ?? steps;

/** Each thought's mean over the problems that have it, [K, H]. */
export function meanThoughts(thoughts: Thoughts): Float32Array<ArrayBuffer> {
  const { values, problems, steps, hidden } = thoughts;
  const row = steps * hidden;
  const sums = new Float64Array(row);
  const counts = new Float64Array(steps);
  for (let b = 0; b < problems; b++) {
    const length = lengthOf(thoughts, b);
    for (let t = 0; t < length; t++) counts[t] = (counts[t] as number) + 1;
    for (let i = 0; i < length * hidden; i++) sums[i] = (sums[i] as number) + (values[b * row + i] as number);
  }
  return Float32Array.from(sums, (sum, i) => sum / Math.max(1, counts[Math.floor(i / hidden)] as number));
}

/** Replaces all thoughts, see `REPLACEMENTS`. */
export function replaceThoughts(thoughts: Thoughts, by: Replacement, options: ReplaceOptions): Replaced {
  const { values, problems: n, steps: K, hidden: H } = thoughts;
  const { rng, answers, pause } = options;
  const row = K * H;
  const out = new Float32Array(values.length);
  const lengthAt = (b: number): number => lengthOf(thoughts, b);
  // A problem without thoughts has none to replace, and a single thought cannot be reordered.
  const all = Array.from({ length: n }, (_, b) => b).filter((b) => lengthAt(b) > (by === 'permuted' ? 1 : 0));
  const thoughtOf = (b: number, t: number) => values.subarray(b * row + t * H, b * row + (t + 1) * H);
  switch (by) {
    case 'zero':
      return { values: out, problems: all };
    case 'mean': {
      const means = meanThoughts(thoughts);
      for (const b of all) out.set(means, b * row);
      return { values: out, problems: all };
    }
    case 'noise':
      for (const b of all)
        for (let t = 0; t < lengthAt(b); t++) out.set(noiseOfNorm(thoughtOf(b, t), rng), b * row + t * H);
      return { values: out, problems: all };
    case 'permuted':
      for (const b of all)
        derangement(lengthAt(b), rng).forEach((from, t) => {
          out.set(thoughtOf(b, from), b * row + t * H);
        });
      return { values: out, problems: all };
    case 'pause':
      for (let at = 0; at < out.length; at += H) out.set(pause, at);
      return { values: out, problems: all };
    case 'same-answer':
    case 'other-answer': {
      const included: number[] = [];
      for (const b of all) {
        const wanted = (other: number) =>
          other !== b &&
          lengthAt(other) === lengthAt(b) &&
          (answers[other] === answers[b]) === (by === 'same-answer');
        const partners = all.filter(wanted);
        if (partners.length === 0) continue;
        const partner = rng.pick(partners);
        out.set(values.subarray(partner * row, (partner + 1) * row), b * row);
        included.push(b);
      }
      return { values: out, problems: included };
    }
  }
}

/** Normal noise with the norm of `vector`. */
function noiseOfNorm(vector: Float32Array, rng: Rng): Float32Array {
  const noise = Float32Array.from(vector, () => rng.normal());
  const norm = (x: Float32Array): number => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  const scale = norm(vector) / (norm(noise) || 1);
  return noise.map((value) => value * scale);
}

/** A random permutation of 0…K−1 without fixed points. @param K at least 2 */
export function derangement(K: number, rng: Rng): number[] {
  for (;;) {
    const order = rng.shuffle(Array.from({ length: K }, (_, t) => t));
    if (order.every((from, t) => from !== t)) return order;
  }
}
