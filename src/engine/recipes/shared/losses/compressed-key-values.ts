import type { Graph, Tensor } from '../../../graph/graph';
import * as o from '../../../graph/ops';
import type { DecoderConfig } from '../../../nn/config';
import type { KeyValues } from '../../../nn/layer';
import { columnTables } from '../../../nn/stack';
import { smooth } from './distance';

/** Smallest norm of a key that its direction is taken by. */
const FLOOR = 1e-8;

/** Where a batch's rationales and answers are. */
export interface Chains {
  /** [B, N]: 1 at tokens of the rationale, 0 at what is not of it. */
  readonly mask: Tensor;
  /** [B, P]: 1 over the number of the answer's tokens at each of them, 0 elsewhere. */
  readonly answers: Tensor;
}

const one = (condition: Tensor): Tensor => o.where(condition, condition.graph.scalar(1), 0);

/**
 * R-KV's score of every rationale token, S = λ·I + (1 − λ)·R, [B, kvHeads, N]; −1 where there is none (KaVa §3.2).
 * I: attention of the answer's tokens to the rationale's, normed over the rationale, the mean over the answer's tokens and
 * over the heads that share a key. R: softmax over the rationale of minus the mean cosine to its other keys.
 * @param k [B, kvHeads, N, d]  @param attention [B, heads, P, N]  @param importance λ: share of the attention, against redundancy
 */
export function scores(k: Tensor, attention: Tensor, { mask, answers }: Chains, importance: number): Tensor {
  const [B, kvHeads, N] = k.shape as readonly [number, number, number];
  const [, heads, P] = attention.shape as readonly [number, number, number];
  const real = o.reshape(mask, [B, 1, 1, N]);
  const seen = o.mul(attention, real);
  const share = o.div(seen, o.add(o.reduceSum(seen, [3], true), 1e-20));
  const perHead = o.reduceSum(o.mul(share, o.reshape(answers, [B, 1, P, 1])), [2]);
  const I = o.reduceMean(o.reshape(perHead, [B, kvHeads, heads / kvHeads, N]), [2]);

  const norm = o.sqrt(o.reduceSum(o.square(k), [3], true));
  const direction = o.div(k, o.where(o.greater(norm, k.graph.scalar(FLOOR)), norm, FLOOR));
  const cosines = o.mul(
    o.mul(o.matmul(direction, direction, { transB: true }), real),
    offDiagonal(k.graph, N),
  );
  const count = o.reduceSum(real, [3], true);
  const length = o.where(o.greater(count, k.graph.scalar(1)), count, 1);
  const redundant = o.div(o.reduceSum(cosines, [3]), o.reshape(length, [B, 1, 1]));
  const flat = o.reshape(mask, [B, 1, N]);
  const inside = o.greater(flat, k.graph.scalar(0.5));
  const R = o.mul(o.softmax(o.where(inside, o.neg(redundant), -1e9)), flat);

  const S = o.add(o.mul(I, importance), o.mul(R, 1 - importance));
  return o.where(inside, S, -1);
}

/** The M tokens of largest score, in the order of time; of equals the earlier. One-hot rows [B, kvHeads, M, N], zero where fewer. */
export function selection(S: Tensor, mask: Tensor, M: number): Tensor {
  const { graph } = S;
  const [B, heads, N] = S.shape as readonly [number, number, number];
  const [row, column] = [o.reshape(S, [B, heads, N, 1]), o.reshape(S, [B, heads, 1, N])];
  const above = one(o.greater(column, row));
  const below = one(o.greater(row, column));
  const tied = o.sub(o.sub(1, above), below);
  const earlier = graph.constant(
    triangle(N, (i, j) => j < i),
    [N, N],
  );
  const rank = o.reduceSum(o.add(above, o.mul(tied, earlier)), [3]);
  const among = one(o.greater(graph.scalar(M - 0.5), rank));
  const kept = o.mul(among, o.reshape(mask, [B, 1, N]));
  const before = graph.constant(
    triangle(N, (i, j) => i < j),
    [N, N],
  );
  const place = o.reshape(o.matmul(o.reshape(kept, [B * heads, N]), before), [B, heads, 1, N]);
  const places = graph.constant(
    Float32Array.from({ length: M }, (_, m) => m),
    [M, 1],
  );
  const here = one(o.greater(graph.scalar(0.5), o.abs(o.sub(place, places))));
  return o.mul(here, o.reshape(kept, [B, heads, 1, N]));
}

function triangle(n: number, of: (i: number, j: number) => boolean): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n * n }, (_, at) => (of(Math.floor(at / n), at % n) ? 1 : 0));
}

const offDiagonal = (graph: Graph, n: number): Tensor =>
  graph.constant(
    triangle(n, (i, j) => i !== j),
    [n, n],
  );

/** Keys as they were before RoPE turned those of columns from `from` on. */
export function unrotated(config: DecoderConfig, k: Tensor, from: number): Tensor {
  const tables = columnTables(k.graph, config, from, k.shape[2] as number);
  return tables ? o.rope(k, tables.cos, o.neg(tables.sin)) : k;
}

export interface KeyValueDistance {
  readonly kind: 'smooth-l1' | 'mse';
  /** Over the head size. */
  readonly over: 'mean' | 'sum';
  /** Whether it is divided by the unbiased standard deviation of the kept keys (and values) of the layer. */
  readonly scaled: boolean;
}

/**
 * ½(‖K̃ − K‖ + ‖Ṽ − V‖) of one layer, all [B, kvHeads, M, d]; the mean over heads and, by `weights` [B, M] that sum to 1, over the
 * kept tokens of the batch (KaVa eq. 6).
 */
export function keyValueDistance(
  own: KeyValues,
  kept: KeyValues,
  weights: Tensor,
  { kind, over, scaled }: KeyValueDistance,
): Tensor {
  const [B, heads, M, d] = kept.k.shape as readonly [number, number, number, number];
  const w = o.reshape(weights, [B, 1, M, 1]);
  const mean = (x: Tensor): Tensor => o.mul(o.reduceSum(o.mul(x, w)), 1 / (heads * d));
  const real = one(o.greater(w, w.graph.scalar(0)));
  const n = o.mul(o.reduceSum(real), heads * d);
  const deviation = (x: Tensor): Tensor => {
    // A batch may have no rationale token at all.
    const centre = o.div(o.reduceSum(o.mul(x, real)), o.add(n, 1e-20));
    const squares = o.reduceSum(o.mul(o.square(o.sub(x, centre)), real));
    const found = o.sqrt(o.div(squares, o.add(o.abs(o.sub(n, 1)), 1e-20)));
    return o.where(o.greater(found, w.graph.scalar(FLOOR)), found, 1);
  };
  const distance = (x: Tensor, target: Tensor): Tensor => {
    const apart = o.sub(x, target);
    const each = kind === 'mse' ? o.square(apart) : smooth(o.abs(apart));
    const whole = o.mul(mean(each), over === 'sum' ? d : 1);
    return scaled ? o.div(whole, deviation(target)) : whole;
  };
  return o.mul(o.add(distance(own.k, kept.k), distance(own.v, kept.v)), 0.5);
}
