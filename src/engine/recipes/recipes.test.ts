import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig, type RunConfig } from '../../contract/config';
import { anchorFactors, layerStd, teacherFactors } from '../analysis/lori-factors';
import { Pace } from '../analysis/pace';
import { Rng } from '../base/rng';
import { thoughtsIn } from '../decode/reasoning';
import { programInputs } from '../graph/gradient.testing';
import { Graph } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import { finished } from '../kernels/shared/eigen';
import type { DecoderConfig } from '../nn/config';
import { ParameterSet } from '../nn/parameter-set';
import { readGolden } from '../testing/golden.testing';
import type { StateLoss } from '../train/losses/state-loss';
import { Tape } from '../train/tape/tape';
import { traceTape } from '../train/tape/whole';
import { normals, relativeError, TINY_CONFIG, TINY_LAYOUT } from '../train/tiny.testing';
import { ce } from './ce';
import { codi } from './codi';
import { lori } from './lori';
import { nocot } from './nocot';
import type { Recipe } from './shared/recipe';
import { studentLora } from './shared/recipe';
import type { TeacherStates } from './shared/teacher';
import { knownTeacher } from './shared/teacher.testing';

const { layers: L, hiddenSize: H } = TINY_CONFIG;

/** The losses that a recipe makes of a teacher. */
const lossesOf = async (
  recipe: Recipe,
  config: RunConfig,
  teacher: readonly TeacherStates[],
  model: DecoderConfig = TINY_CONFIG,
) => {
  const { losses } = await recipe.targets(
    config,
    model,
    knownTeacher(teacher),
    new Pace('the test', undefined),
  );
  return losses as { rationale: StateLoss; anchor: StateLoss };
};

/** What a teacher might say of samples of these many rationale tokens; layers of very different sizes. */
function teacherOf(tokens: readonly number[], seed = 1): TeacherStates[] {
  const rng = new Rng(seed);
  const states = (n: number): Float32Array<ArrayBuffer> =>
    normals(rng, n * L * H).map((x, i) => (x + 0.3) * (Math.floor(i / H) % L === 0 ? 1 : 20));
  return tokens.map((n) => ({ rationale: states(n), tokens: n, anchor: states(1) }));
}

type Config = ConfigOf<'lori'>;
type Factors = Partial<Config['factors']>;
const configOf = (factors: Factors = {}, weights: object = {}): Config =>
  parseRunConfig({
    factors: { layerRank: 2, hiddenRank: 3, ...factors },
    weights: { covariance: 1, mean: 1, anchor: 1, ...weights },
  });

/** Terms of a loss on states of a batch of `samples`, in float64. */
function termsOf(
  loss: StateLoss,
  shape: readonly number[],
  states: ArrayLike<number>,
  samples: readonly number[],
) {
  const graph = new Graph();
  const terms = loss.trace(graph.input('states', shape));
  const feeds: Record<string, ArrayLike<number>> = { states };
  for (const [name, { data }] of Object.entries(loss.feeds(samples))) feeds[name] = data;
  return interpret(terms, feeds).map((x) => x[0] as number);
}

const of = (teacher: readonly TeacherStates[], b: number): TeacherStates => teacher[b] as TeacherStates;
const both = (a: Float32Array, b: Float32Array): number[] => [...a, ...b];

describe('lori', () => {
  it.each([
    ['one subspace', 'shared', 5 * L],
    ['one per sample', 'sample', 2 * L],
  ] as const)('takes no direction that the states do not span: %s', async (_name, scope, spanned) => {
    const few = teacherOf([2, 3]);
    // A rounding error in the states must not turn a factor.
    const shaken = few.map((t) => ({
      ...t,
      rationale: t.rationale.map((x, i) => x * (1 + 1e-6 * Math.sin(i))),
    }));
    const factors = { scope, hiddenRank: H - 1, anchor: { hiddenRank: H - 1 } as never };
    const feedsOf = async (teacher: readonly TeacherStates[]) => {
      const { rationale, anchor } = await lossesOf(lori, configOf(factors), teacher);
      return [rationale.feeds([0, 1]), anchor.feeds([0, 1])];
    };
    const [moments, anchor] = await feedsOf(few);
    expect(moments?.['moments.hiddenFactor']?.shape.at(-1)).toBe(Math.min(spanned, H - 1));
    expect(anchor?.['anchor.hiddenFactor']?.shape).toEqual([H, 2 * L]);
    const [again] = await feedsOf(shaken);
    const [a, b] = [moments, again].map((f) => f?.['moments.hiddenFactor']?.data as Float32Array);
    a?.forEach((x, i) => {
      expect(Math.abs((b?.[i] as number) - x)).toBeLessThan(1e-3);
    });
  });

  const teacher = teacherOf([4, 4, 4]);
  const cases: [string, Factors][] = [
    ['one subspace', {}],
    ['one subspace, layers as they are', { normaliseLayers: false }],
    ['one per sample', { scope: 'sample' }],
    ['ranks larger than the model', { layerRank: 64, hiddenRank: 30 }],
  ];
  it.each(cases)('is zero if the student has the teacher’s states: %s', async (_name, factors) => {
    const { rationale, anchor } = await lossesOf(lori, configOf(factors), teacher);
    const own = both(of(teacher, 2).rationale, of(teacher, 0).rationale);
    const shape = [2, 4, L, H];
    const wrong = both(of(teacher, 0).rationale, of(teacher, 2).rationale);
    const at = termsOf(rationale, shape, own, [2, 0]);
    const off = termsOf(rationale, shape, wrong, [2, 0]);
    const anchors = both(of(teacher, 2).anchor, of(teacher, 0).anchor);
    const anchorAt = termsOf(anchor, [2, L, H], anchors, [2, 0])[0] as number;
    const anchorOff = termsOf(anchor, [2, L, H], anchors, [0, 2])[0] as number;
    // Targets are stored in float32: their rounding squared, against terms of other states.
    at.forEach((term, i) => {
      expect(term).toBeLessThan(1e-9 * (off[i] as number));
    });
    expect(anchorAt).toBeLessThan(1e-9 * anchorOff);
    for (const term of [...off, anchorOff]) expect(term).toBeGreaterThan(0);
  });

  it('depends on moments only, not on the order or number of thoughts', async () => {
    const { rationale: loss } = await lossesOf(lori, configOf(), teacher);
    const { rationale } = of(teacher, 1);
    const row = L * H;
    const step = (t: number): number[] => Array.from(rationale.subarray(t * row, (t + 1) * row));
    const reversed = [3, 2, 1, 0].flatMap(step);
    const twice = [0, 1, 2, 3, 3, 1, 2, 0].flatMap(step);
    const other = termsOf(loss, [1, 4, L, H], of(teacher, 0).rationale, [1]);
    for (const [states, K] of [
      [reversed, 4],
      [twice, 8],
    ] as const)
      termsOf(loss, [1, K, L, H], states, [1]).forEach((term, i) => {
        expect(term).toBeLessThan(1e-9 * (other[i] as number));
      });
  });

  it('scales with its weights, and is the mean over the batch', async () => {
    const states = normals(new Rng(9), 2 * 3 * L * H);
    const shape = [2, 3, L, H];
    const at = async (
      weights: object,
      samples = [0, 1],
      x: ArrayLike<number> = states,
      s: readonly number[] = shape,
    ) => {
      const { rationale, anchor } = await lossesOf(lori, configOf({}, weights), teacher);
      const anchors = Array.from(x).slice(0, samples.length * L * H);
      return [
        ...termsOf(rationale, s, x, samples),
        ...termsOf(anchor, [samples.length, L, H], anchors, samples),
      ];
    };
    const unit = await at({});
    const weighed = await at({ covariance: 2, mean: 3, anchor: 5 });
    expect(weighed.map((x, i) => x / (unit[i] as number))).toEqual(
      [2, 3, 5].map((w) => expect.closeTo(w, 6)),
    );
    const half = states.length / 2;
    const single = [
      await at({}, [0], states.subarray(0, half), [1, 3, L, H]),
      await at({}, [1], states.subarray(half), [1, 3, L, H]),
    ] as const;
    for (const i of [0, 1])
      expect(unit[i]).toBeCloseTo(((single[0][i] as number) + (single[1][i] as number)) / 2, 5);
  });

  it('reduces ranks to what the model and the samples span', async () => {
    const one = teacherOf([2]);
    const { rationale, anchor } = await lossesOf(
      lori,
      configOf({
        layerRank: 64,
        hiddenRank: 512,
        anchor: { sampleRank: 32, layerRank: 4, hiddenRank: 512, hooi: true },
      }),
      one,
    );
    const feeds = { ...rationale.feeds([0]), ...anchor.feeds([0]) };
    expect(feeds['moments.layerFactor']?.shape).toEqual([1, L, L]);
    expect(feeds['moments.hiddenFactor']?.shape).toEqual([1, H, H]);
    expect(feeds['anchor.hiddenFactor']?.shape).toEqual([H, H]);
    for (const { data } of Object.values(feeds)) expect(Array.from(data).every(Number.isFinite)).toBe(true);
  });

  it.each([
    ['anchor', { anchor: 0 }, ['covariance', 'mean']],
    ['covariance', { covariance: 0 }, ['mean', 'anchor']],
    ['mean', { mean: 0 }, ['covariance', 'anchor']],
    ['rationale', { covariance: 0, mean: 0 }, ['anchor']],
  ] as const)(
    'leaves out a term of weight 0, with its targets and its programs: %s',
    async (_name, weights, terms) => {
      const config = configOf({}, weights);
      const { rationale, anchor } = await lossesOf(lori, config, teacher);
      expect([rationale?.terms ?? [], anchor?.terms ?? []].flat()).toEqual(terms);
      const tape = new Tape(new ParameterSet(TINY_CONFIG, studentLora(config)), TINY_LAYOUT.batch);
      lori.record(tape, { config, layout: TINY_LAYOUT, losses: { rationale, anchor } });
      expect(tape.terms.filter((term) => term !== 'answer')).toEqual(terms);
      const inputs = programInputs(traceTape(tape, 'step')).map(({ name }) => name);
      expect(inputs.some((name) => name.startsWith('anchor.'))).toBe(
        (terms as readonly string[]).includes('anchor'),
      );
      expect(inputs.includes('moments.covariance')).toBe((terms as readonly string[]).includes('covariance'));
    },
  );

  it('does not read the teacher if every loss on its states has weight 0', () => {
    expect(lori.usesTeacher(configOf())).toBe(true);
    expect(lori.usesTeacher(configOf({}, { covariance: 0, mean: 0, anchor: 0 }))).toBe(false);
    const codiOf = (weight: number) => parseRunConfig({ method: 'codi', weights: { codi: weight } });
    expect([1, 0].map((weight) => codi.usesTeacher(codiOf(weight)))).toEqual([true, false]);
  });

  it.each([
    ['rationale', { anchor: 0 }],
    ['anchor', { covariance: 0, mean: 0 }],
  ])('responds to a cancellation while computing targets: %s', async (_name, weights) => {
    const cancelled = new Pace('the run', AbortSignal.abort());
    const made = lori.targets(configOf({}, weights), TINY_CONFIG, knownTeacher(teacher), cancelled);
    await expect(made).rejects.toThrow('the run was cancelled');
  });

  describe('a teacher whose states are not held', () => {
    const many = teacherOf([3, 5, 2, 7]);
    const samples = many.map((_, i) => i);
    /** What the losses are fed of all samples: factors, moments and anchor targets. */
    const fedBy = async (config: Config, teacher: ReturnType<typeof knownTeacher>) => {
      const { losses, ranksUsed } = await lori.targets(
        config,
        TINY_CONFIG,
        teacher,
        new Pace('the test', undefined),
      );
      const fed = Object.assign({}, ...Object.values(losses).map((loss) => loss?.feeds(samples)));
      return { fed: fed as Record<string, { data: Float32Array }>, ranksUsed };
    };

    it.each([
      ['shared, normalised', {}, {}, 2],
      ['shared, as it is', { normaliseLayers: false }, {}, 2],
      ['a subspace for each sample', { scope: 'sample' }, {}, 2],
      ['a subspace for each sample, as it is', { scope: 'sample', normaliseLayers: false }, {}, 1],
      ['rationale alone', {}, { anchor: 0 }, 2],
      ['the anchor alone', {}, { covariance: 0, mean: 0 }, 1],
    ] as const)('gives the same targets: %s', async (_name, factors, weights, readings) => {
      const config = configOf(factors, weights);
      const streamed = knownTeacher(many, false);
      const got = await fedBy(config, streamed);
      const want = await fedBy(config, knownTeacher(many));
      expect(streamed.readings).toBe(readings);
      expect(lori.streamed?.(config, TINY_CONFIG, many.length).readings).toBe(readings);
      expect(Object.keys(got.fed)).toEqual(Object.keys(want.fed));
      expect(got.ranksUsed).toEqual(want.ranksUsed);
      // Held states are rounded to float32 when they are divided by their layer's spread (6e-8 of each), sums are not.
      for (const [name, { data }] of Object.entries(want.fed)) {
        expect(
          data.some((x) => Math.abs(x) > 1e-3),
          name,
        ).toBe(true);
        expect(relativeError(got.fed[name]?.data ?? [], data), name).toBeLessThan(2e-6);
      }
    });
  });

  it('names the ranks that the model and the samples have no room for, and computes no factors of a term of weight 0', async () => {
    const large = { layerRank: 64, hiddenRank: 30 };
    const ranksOf = async (weights: object, hooi = true) => {
      const of = configOf({ ...large, anchor: { sampleRank: 32, layerRank: 4, hooi } as never }, weights);
      const read = knownTeacher(teacherOf([2]));
      const { ranksUsed = {} } = await lori.targets(of, TINY_CONFIG, read, new Pace('the test', undefined));
      return ranksUsed;
    };
    const moments = { 'factors.layerRank': L, 'factors.hiddenRank': H };
    const anchor = { 'factors.anchor.sampleRank': 1, 'factors.anchor.layerRank': L };
    expect(await ranksOf({})).toMatchObject({ ...moments, ...anchor });
    // Without HOOI these two have no effect.
    expect(Object.keys(await ranksOf({}, false)).filter((name) => name in anchor)).toEqual([]);
    // Whose factors are computed says which ranks it used.
    const without = async (weights: object) => Object.keys(await ranksOf(weights));
    expect((await without({ anchor: 0 })).filter((name) => name.startsWith('factors.anchor'))).toEqual([]);
    expect((await without({ covariance: 0, mean: 0 })).filter((name) => name in moments)).toEqual([]);
  });

  it('gives each sample its own factors and targets, or all samples the same factors', async () => {
    const many = teacherOf([3, 5, 2, 7]);
    const factorsFor = async (scope: 'shared' | 'sample', sample: number) => {
      const { rationale } = await lossesOf(lori, configOf({ scope }), many);
      return rationale.feeds([sample]);
    };
    expect((await factorsFor('shared', 0))['moments.hiddenFactor']).toEqual(
      (await factorsFor('shared', 3))['moments.hiddenFactor'],
    );
    expect((await factorsFor('sample', 0))['moments.hiddenFactor']).not.toEqual(
      (await factorsFor('sample', 3))['moments.hiddenFactor'],
    );
    for (const scope of ['shared', 'sample'] as const)
      expect((await factorsFor(scope, 0))['moments.mean']).not.toEqual(
        (await factorsFor(scope, 3))['moments.mean'],
      );
  });
});

describe('codi', () => {
  const teacher = teacherOf([2, 3]);
  let loss: StateLoss;
  beforeAll(async () => {
    loss = (await lossesOf(codi, parseRunConfig({ method: 'codi', weights: { codi: 2.5 } }), teacher)).anchor;
  });
  const anchors = both(of(teacher, 0).anchor, of(teacher, 1).anchor);

  it('is zero at the teacher’s anchor states, and depends on the student’s', async () => {
    expect(termsOf(loss, [2, L, H], anchors, [0, 1])).toEqual([0]);
    expect(termsOf(loss, [2, L, H], anchors, [1, 0])[0]).toBeGreaterThan(0);
  });

  it('is smooth L1 over the std of each layer', async () => {
    const rng = new Rng(4);
    // Both sides of the bend at 1.
    const student = anchors.map((x) => x + 2 * rng.normal());
    const layer = (values: readonly number[], l: number): number[] =>
      values.filter((_, i) => Math.floor(i / H) % L === l);
    let expected = 0;
    for (let l = 0; l < L; l++) {
      const target = layer(anchors, l);
      const mean = target.reduce((a, b) => a + b, 0) / target.length;
      const std = Math.sqrt(target.reduce((s, x) => s + (x - mean) ** 2, 0) / (target.length - 1));
      const errors = layer(student, l).map((x, i) => Math.abs(x - (target[i] as number)));
      expect(errors.some((d) => d < 1) && errors.some((d) => d > 1)).toBe(true);
      const smooth = errors.map((d) => (d < 1 ? d * d * 0.5 : d - 0.5));
      expected += smooth.reduce((a, b) => a + b, 0) / smooth.length / std / L;
    }
    expect(termsOf(loss, [2, L, H], student, [0, 1])[0]).toBeCloseTo(2.5 * expected, 5);
  });
});

describe('methods without a teacher', () => {
  it('request no states, and use the configured number of latent steps', async () => {
    const latent = { steps: 7 };
    const thinking = parseRunConfig({ method: 'ce', latent });
    const direct = parseRunConfig({ method: 'nocot' });
    expect([ce.usesTeacher(thinking), nocot.usesTeacher(direct)]).toEqual([false, false]);
    expect(await lossesOf(ce, thinking, [])).toEqual({});
    expect(await lossesOf(nocot, direct, [])).toEqual({});
    expect(
      [ce.reasoning(thinking, TINY_CONFIG), nocot.reasoning(direct, TINY_CONFIG)].map(thoughtsIn),
    ).toEqual([7, 0]);
    expect(thoughtsIn(lori.reasoning(parseRunConfig({ method: 'lori', latent }), TINY_CONFIG))).toBe(7);
    expect(thoughtsIn(codi.reasoning(parseRunConfig({ method: 'codi', latent }), TINY_CONFIG))).toBe(7);
  });
});

describe.each(['step-llama', 'step-qwen2'] as const)('%s: agrees with torch on the same teacher', (name) => {
  const golden = readGolden(name);
  const { run, tokens, config: hf } = golden.meta;
  const [layers, hidden] = [hf.num_hidden_layers as number, hf.hidden_size as number];
  const lengths: number[] = tokens.rationales.map((r: number[]) => r.length);
  const all = golden.f32('teacher.rationale');
  const anchor = golden.f32('teacher.anchor');
  const row = layers * hidden;
  let teacher: TeacherStates[];
  let at = 0;
  beforeAll(() => {
    teacher = lengths.map((n, b) => {
      const rationale = all.slice(at * row, (at + n) * row);
      at += n;
      return { rationale, tokens: n, anchor: anchor.slice(b * row, (b + 1) * row) };
    });
  });
  afterAll(() => {
    expect(at * row).toBe(all.length);
  });

  /** float64 there, float32 outputs here. */
  const close = (actual: ArrayLike<number>, key: string): void => {
    const { data } = golden.tensor(key);
    expect(actual.length, key).toBe(data.length);
    const size = Math.sqrt(data.reduce((s, x) => s + x * x, 0) / data.length);
    let worst = 0;
    for (let i = 0; i < data.length; i++)
      worst = Math.max(worst, Math.abs((actual[i] as number) - (data[i] as number)));
    expect(worst / size, key).toBeLessThan(1e-5);
  };
  const ranks = { rankL: run.layerRank as number, rankH: run.hiddenRank as number };
  const anchorRanks = { rankB: 2, rankL: 2, rankH: run.anchorHiddenRank as number };
  const rationales = () => teacher.map((t) => t.rationale);

  it('layer scale', async () => {
    close(layerStd(rationales(), layers, hidden), 'teacher.layerScale');
  });

  it.each([
    ['teacher', 'shared', true],
    ['teacherUnscaled', 'shared', false],
    ['teacherSample', 'sample', true],
  ] as const)('%s: factors and moments', (key, scope, scaled) => {
    const layerScale = scaled ? golden.f32('teacher.layerScale') : undefined;
    const f = finished(
      teacherFactors(rationales(), layers, hidden, {
        ...ranks,
        scope,
        ...(layerScale && { layerScale }),
      }),
    );
    for (const [part, actual] of Object.entries({ uL: f.uL, uH: f.uH, mu: f.mu, c: f.c }))
      if (golden.names.includes(`${key}.${part}`)) close(actual, `${key}.${part}`);
    if (scope === 'sample') return;
    const a = finished(
      anchorFactors(anchor, layers, hidden, { ...anchorRanks, ...(layerScale && { layerScale }) }),
    );
    close(a.uH, `${key}.anchorUH`);
    close(a.target, `${key}.anchorTarget`);
  });

  it('spectra of the unfoldings', async () => {
    const f = finished(
      teacherFactors(rationales(), layers, hidden, {
        ...ranks,
        layerScale: golden.f32('teacher.layerScale'),
      }),
    );
    close(f.sigmaL, 'teacher.sigmaL');
    // Past the number of columns, N·L, an unfolding has no more singular values.
    const known = golden.tensor('teacher.sigmaH').data.length;
    close(f.sigmaH.subarray(0, known), 'teacher.sigmaH');
    for (const sigma of f.sigmaH.subarray(known)) expect(sigma).toBeLessThan(1e-5 * (f.sigmaH[0] as number));
  });

  // From the recipe itself: targets and terms on the student's states, which torch printed too.
  const cases = [
    ['lori-softmax.term.', 'shared', true],
    ['lori-hidden.term.', 'shared', true],
    ['lori-softmax.unscaled.', 'shared', false],
    ['lori-softmax.sample.', 'sample', true],
  ] as const;
  it.each(cases.filter(([prefix]) => golden.names.includes(`${prefix}covariance`)))(
    '%s covariance, mean and anchor',
    async (prefix, scope, scaled) => {
      const config = parseRunConfig({
        factors: {
          scope,
          normaliseLayers: scaled,
          layerRank: run.layerRank,
          hiddenRank: run.hiddenRank,
          anchor: { hiddenRank: run.anchorHiddenRank },
        },
        weights: { covariance: 1, mean: 1, anchor: 1 },
      });
      const model = { ...TINY_CONFIG, layers, hiddenSize: hidden };
      const { rationale, anchor: anchorLoss } = await lossesOf(lori, config, teacher, model);
      const method = prefix.split('.')[0] as string;
      const batch = teacher.map((_, b) => b);
      const states = golden.tensor(`${method}.rationale`);
      const student = golden.tensor(`${method}.anchor`);
      const [covariance, mean] = termsOf(rationale, states.shape, states.data, batch);
      const [at] = termsOf(anchorLoss, student.shape, student.data, batch);
      for (const [term, value] of Object.entries({ covariance, mean, anchor: at }))
        if (golden.names.includes(`${prefix}${term}`))
          expect((value as number) / golden.scalar(`${prefix}${term}`), term).toBeCloseTo(1, 4);
    },
  );

  it('codi: the std of each layer at the anchor', async () => {
    const config = parseRunConfig({ method: 'codi' });
    const { anchor: loss } = await lossesOf(codi, config, teacher, {
      ...TINY_CONFIG,
      layers,
      hiddenSize: hidden,
    });
    const { data } = loss.feeds(teacher.map((_, b) => b))['codi.inverseStd'] as { data: ArrayLike<number> };
    close(
      Array.from(data, (x) => 1 / x),
      'teacher.codiStd',
    );
  });
});
