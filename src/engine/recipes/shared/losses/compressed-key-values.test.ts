import { describe, expect, it } from 'vitest';
import { Rng } from '../../../base/rng';
import { Graph } from '../../../graph/graph';
import { interpret } from '../../../graph/interpret.testing';
import * as o from '../../../graph/ops';
import { rotated } from '../../../nn/rope';
import { columnTables } from '../../../nn/stack';
import { normals, relativeError, TINY_CONFIG, TINY_GPT2 } from '../../../train/tiny.testing';
import {
  type KeyValueDistance,
  keyValueDistance,
  scores,
  selection,
  unrotated,
} from './compressed-key-values';

const [B, HEADS, KV, N, P, D] = [2, 4, 2, 6, 5, 4];
const rng = new Rng(31);
const k = normals(rng, B * KV * N * D);
/** Rows of weights over more than the rationale: they sum to less than 1. */
const attention = Float32Array.from({ length: B * HEADS * P * N }, () => rng.uniform() / N);
/** The second sample's rationale has four tokens. */
const mask = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0];
/** Answers of two tokens and of one. */
const answers = [0, 0.5, 0.5, 0, 0, 0, 0, 0, 1, 0];

function scored(
  importance: number,
  keys: ArrayLike<number> = k,
  real: readonly number[] = mask,
): Float64Array {
  const graph = new Graph();
  const chains = { mask: graph.input('mask', [B, N]), answers: graph.input('answers', [B, P]) };
  const attended = graph.input('attention', [B, HEADS, P, N]);
  const S = scores(graph.input('k', [B, KV, N, D]), attended, chains, importance);
  return interpret([S], { k: keys, attention, mask: real, answers })[0] as Float64Array;
}

function selected(S: ArrayLike<number>, M: number, real: readonly number[] = mask): number[][] {
  const graph = new Graph();
  const chosen = selection(graph.input('S', [B, KV, N]), graph.input('mask', [B, N]), M);
  const [rows] = interpret([chosen], { S, mask: real });
  return Array.from({ length: B * KV }, (_, i) =>
    Array.from({ length: M }, (_, m) =>
      Array.from((rows as Float64Array).subarray((i * M + m) * N, (i * M + m + 1) * N)),
    )
      .filter((row) => row.some((x) => x !== 0))
      .map((row) => {
        expect(row.filter((x) => x !== 0)).toEqual([1]);
        return row.indexOf(1);
      }),
  );
}

/** Mean attention of the answer's tokens over the rationale, over the heads of a key, written out. */
function importanceOf(b: number, head: number): number[] {
  const group = HEADS / KV;
  const sum = new Array(N).fill(0);
  for (let h = head * group; h < (head + 1) * group; h++)
    for (let p = 0; p < P; p++) {
      const row = Array.from({ length: N }, (_, n) =>
        mask[b * N + n] ? (attention[((b * HEADS + h) * P + p) * N + n] as number) : 0,
      );
      const total = row.reduce((x, y) => x + y, 0);
      row.forEach((x, n) => {
        sum[n] += ((answers[b * P + p] as number) * x) / total / group;
      });
    }
  return sum;
}

describe('scores of rationale tokens', () => {
  it('are the attention for λ = 1, of which the M largest are kept, in the order of time', () => {
    const S = scored(1);
    const kept = selected(S, 3);
    for (let b = 0; b < B; b++)
      for (let head = 0; head < KV; head++) {
        const I = importanceOf(b, head);
        const real = Array.from({ length: N }, (_, n) => n).filter((n) => mask[b * N + n]);
        const best = [...real].sort((x, y) => (I[y] as number) - (I[x] as number)).slice(0, 3);
        expect(kept[b * KV + head]).toEqual(best.sort((x, y) => x - y));
        real.forEach((n) => {
          expect(S[(b * KV + head) * N + n]).toBeCloseTo(I[n] as number, 6);
        });
      }
  });

  it('are uniform for λ = 0 where all keys are the same', () => {
    const same = Float32Array.from({ length: k.length }, (_, i) => [0.3, -1, 2, 0.5][i % D] as number);
    const S = Array.from(scored(0, same));
    expect(S.slice(0, N)).toEqual(new Array(N).fill(expect.closeTo(1 / N, 7)));
    const four = [...new Array(4).fill(expect.closeTo(1 / 4, 7)), -1, -1];
    expect(S.slice(KV * N, KV * N + N)).toEqual(four);
  });

  it('are larger for a key unlike the others', () => {
    const odd = Float32Array.from({ length: k.length }, (_, i) => (Math.floor(i / D) % N === 2 ? -1 : 1));
    const S = scored(0, odd);
    for (let i = 0; i < B * KV; i++) {
      const row = Array.from(S.subarray(i * N, (i + 1) * N));
      expect(row.indexOf(Math.max(...row))).toBe(2);
    }
  });

  it('are none, and nothing is kept, of a sample without a rationale', () => {
    const empty = mask.map((x, i) => (i < N ? x : 0));
    const S = scored(0.1, k, empty);
    expect(Array.from(S.subarray(KV * N))).toEqual(new Array(KV * N).fill(-1));
    expect(selected(S, 3, empty).slice(KV)).toEqual([[], []]);
  });
});

describe('selection', () => {
  it('keeps the earlier of equal scores, and all tokens where there are fewer than M', () => {
    const S = [3, 1, 1, 1, 0, 0, 0, 0, 1, 0, 2, 2, ...new Array(2 * N).fill(0.5)];
    expect(selected(S, 3)).toEqual([[0, 1, 2], [2, 4, 5].map((n) => n), [0, 1, 2], [0, 1, 2]]);
    expect(selected(S, 5)[2]).toEqual([0, 1, 2, 3]);
  });
});

describe('keyValueDistance', () => {
  const M = 3;
  const size = B * KV * M * D;
  const [ownK, ownV, keptK, keptV] = [0, 1, 2, 3].map(() => normals(rng, size, 1.5)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const weights = [0.2, 0.2, 0.2, 0.2, 0.2, 0];
  function distance(form: KeyValueDistance, own: [Float32Array, Float32Array]): number {
    const graph = new Graph();
    const tensor = (name: string) => graph.input(name, [B, KV, M, D]);
    const y = keyValueDistance(
      { k: tensor('ownK'), v: tensor('ownV') },
      { k: tensor('keptK'), v: tensor('keptV') },
      graph.input('weights', [B, M]),
      form,
    );
    return interpret([y], { ownK: own[0], ownV: own[1], keptK, keptV, weights })[0]?.[0] as number;
  }
  const FORMS: KeyValueDistance[] = [
    { kind: 'mse', over: 'mean', scaled: false },
    { kind: 'smooth-l1', over: 'sum', scaled: true },
  ];

  it.each(FORMS)(
    'is 0 where the keys and values are the kept ones, whatever is in places without one: %j',
    (form) => {
      const same = (x: Float32Array) =>
        x.map((value, i) => (Math.floor(i / D) % M === 2 && i >= size / 2 ? 7 : value));
      expect(distance(form, [same(keptK), same(keptV)])).toBe(0);
      expect(distance(form, [ownK, ownV])).toBeGreaterThan(0.1);
    },
  );

  it('sums over the head size, or takes the mean', () => {
    const at = (over: 'mean' | 'sum') => distance({ kind: 'mse', over, scaled: false }, [ownK, ownV]);
    expect(at('sum') / at('mean')).toBeCloseTo(D, 6);
  });
});

describe('unrotated', () => {
  it.each([
    ['rotary', TINY_CONFIG],
    ['learned', TINY_GPT2],
  ])('gives the keys from before their positions: %s', (_name, config) => {
    const { headDim: d, kvHeads } = config;
    const x = normals(rng, B * kvHeads * N * d);
    const graph = new Graph();
    const before = graph.input('x', [B, kvHeads, N, d]);
    const turned = rotated(before, columnTables(graph, config, 7, N));
    const [again, moved] = interpret([unrotated(config, turned, 7), o.sub(turned, before)], { x });
    expect(relativeError(again as Float64Array, x)).toBeLessThan(1e-6);
    expect((moved as Float64Array).some((value) => Math.abs(value) > 0.1)).toBe(config === TINY_CONFIG);
  });
});
