import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { Rng } from '../base/rng';
import type { TokenProblem } from '../data/tokens';
import { RECIPES } from '../methods/index';
import type { InitialWeights } from '../nn/parameters';
import { normals, TINY_CONFIG } from '../train/tiny.testing';
import { addedTokens, TOKENS } from './shared/added-tokens';
import type { Recipe } from './shared/recipe';
import { parametersOf } from './shared/trained';

const H = TINY_CONFIG.hiddenSize;
/** More rows than are read at once, and a part. */
const V = 2300;

/** An embedding of which every feature has a mean and a deviation of its own. */
const table = normals(new Rng(3).fork('embedding'), V * H).map(
  (x, i) => (i % H) - 5.5 + (0.2 + (i % H) / H) * x,
);
const rowOf = (id: number): Float32Array<ArrayBuffer> => table.slice(id * H, (id + 1) * H);
const EMBEDDING: InitialWeights = {
  count: V,
  rows: (ids) => Float32Array.from(ids.flatMap((id) => [...rowOf(id)])),
  weight: () => new Float32Array(),
};

/** Mean and standard deviation of every feature of rows [n, H]. */
function moments(rows: Float32Array): { readonly mean: number; readonly deviation: number }[] {
  return Array.from({ length: H }, (_, j) => {
    const own = [...rows.filter((_x, i) => i % H === j)];
    const mean = own.reduce((sum, x) => sum + x, 0) / own.length;
    return { mean, deviation: Math.sqrt(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / own.length) };
  });
}
const vocabulary = moments(table);

const problem = (...steps: number[][]): TokenProblem => ({
  ...{ question: [2], rationale: steps.flat(), steps, answer: [3] },
});
/** The token that opens a step is 2101: the first sample has no step, the second an empty one. */
const problems = [problem(), problem([]), problem([2101, 5, 6], [2102, 7]), problem([2103])];

/** What a run trains as it is before the first step, by name. */
function initialOf(method: string, settings: object = {}): Record<string, Float32Array> {
  const config = parseRunConfig({ method, ...settings });
  const codec = { prompt: [4], padId: 0, endId: 1 };
  const training = { problems, layout: { batch: 4, question: 1, prompt: 1, answer: 1, explicit: 7 }, codec };
  const parameters = parametersOf(RECIPES[config.method] as Recipe, config, TINY_CONFIG, training);
  const values = parameters.initial(new Rng(11), EMBEDDING);
  return Object.fromEntries(parameters.all.map(({ name }, i) => [name, values[i] as Float32Array]));
}
const tokensOf = (method: string, settings: object = {}): Float32Array =>
  initialOf(method, settings)[TOKENS] as Float32Array;

/** The largest distance to the vocabulary's mean, in its deviations. */
const furthest = (rows: Float32Array): number =>
  Math.max(
    ...[...rows].map((x, i) => {
      const { mean, deviation } = vocabulary[i % H] as (typeof vocabulary)[number];
      return Math.abs(x - mean) / deviation;
    }),
  );

/** Values that are uniform in ±bound: none is beyond it, and they fill it. */
function expectUniform(values: Float32Array | undefined, bound: number): void {
  const all = [...(values as Float32Array)];
  expect(Math.max(...all)).toBeLessThanOrEqual(Math.fround(bound));
  expect(Math.min(...all)).toBeGreaterThanOrEqual(-Math.fround(bound));
  // Of n values, the chance that none is in the outer tenth of one side is 0.95^n: 6e-4 for the 144 here.
  expect(Math.max(...all)).toBeGreaterThan(0.9 * bound);
  expect(Math.min(...all)).toBeLessThan(-0.9 * bound);
  const square = all.reduce((sum, x) => sum + x * x, 0) / all.length;
  // Four standard errors of the mean square, each with variance 4/45 of bound⁴.
  expect(Math.abs(square / bound ** 2 - 1 / 3)).toBeLessThan(4 * Math.sqrt(4 / 45 / all.length));
}

describe('added tokens begin', () => {
  it.each([
    ['latents', 2],
    ['pauses', 3],
  ])('as copies of the token that opens the first written step there is, for Coconut’s %s', (inPlace, n) => {
    const expected = Array.from({ length: n }, () => [...rowOf(2101)]).flat();
    expect([...tokensOf('coconut', { curriculum: { inPlace } })]).toEqual(expected);
  });

  it.each([
    ['adaptive', {}],
    ['grpo', {}],
    ['codi-self', { tokens: { initial: 'mean' } }],
  ])('at the mean of the embedding, both alike: %s', (method, settings) => {
    const tokens = tokensOf(method, settings);
    expect(tokens).toHaveLength(2 * H);
    // Rounded to float32.
    for (const [i, x] of tokens.entries())
      expect(Math.abs(x - (vocabulary[i % H]?.mean as number))).toBeLessThan(1e-6);
  });

  it.each([
    ['codi-self', 2],
    ['sim-cot', 2],
    ['pccot', 3],
    ['kava', 3],
    ['pause-ft', 1],
    ['dart', 1],
  ])('drawn like the model’s, each apart: %s', (method, n) => {
    const tokens = tokensOf(method);
    expect(tokens).toHaveLength(n * H);
    expect(new Set(tokens).size).toBe(n * H);
    // Of 36 normal values the largest is within these bounds but for 1 in 1000.
    expect(furthest(tokens)).toBeLessThan(4.2);
    expect(furthest(tokens)).toBeGreaterThan(0.5);
  });

  it('with each feature’s own mean and deviation where they are drawn', () => {
    const n = 4000;
    const { initial } = addedTokens(TINY_CONFIG, n, { trained: true, initial: 'drawn' });
    const drawn = moments(initial(new Rng(5), EMBEDDING));
    for (const [j, { mean, deviation }] of drawn.entries()) {
      const of = vocabulary[j] as (typeof vocabulary)[number];
      // Four standard errors of a mean and of a deviation.
      expect(Math.abs(mean - of.mean)).toBeLessThan((4 * of.deviation) / Math.sqrt(n));
      expect(Math.abs(deviation / of.deviation - 1)).toBeLessThan(4 / Math.sqrt(2 * n));
    }
  });
});

describe('modules begin', () => {
  it.each([
    ['mlp', ['in', 'out']],
    ['linear', ['linear']],
    ['linear-norm', ['linear']],
  ])('the recurrent filter Xavier-uniform, without biases: %s', (filter, linears) => {
    const values = initialOf('adaptive', { latents: { filter } });
    for (const linear of linears) {
      expectUniform(values[`filter.${linear}.weight`], Math.sqrt(6 / (H + H)));
      expect(values[`filter.${linear}.bias`]).toEqual(new Float32Array(H));
    }
    expect(values['filter.norm.weight']).toEqual(new Float32Array(H).fill(1));
    expect(values[filter === 'linear' ? 'filter.bias' : 'filter.norm.bias']).toEqual(new Float32Array(H));
  });

  it('REM with W₁ uniform and W₂ zero in every layer and at every site, so that the model starts unchanged', () => {
    const width = 12;
    const values = initialOf('dart', { rem: { width } });
    const size = H * width;
    for (let layer = 0; layer < TINY_CONFIG.layers; layer++) {
      const pack = values[`silent.${layer}`] as Float32Array;
      expect(pack).toHaveLength(2 * 2 * size);
      for (const site of [0, 1]) {
        expectUniform(pack.subarray(2 * site * size, (2 * site + 1) * size), 1 / Math.sqrt(H));
        expect(pack.subarray((2 * site + 1) * size, (2 * site + 2) * size)).toEqual(new Float32Array(size));
      }
    }
    expect(values['silent.0']).not.toEqual(values['silent.1']);
  });
});
