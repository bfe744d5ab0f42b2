import { describe, expect, it } from 'vitest';
import { METHODS } from '../../contract/methods/index';
import { type GoldenName, readGolden } from '../testing/golden.testing';

/** What the goldens that the methods' tests go through, case by case, cover between them. */
type Family = 'llama' | 'qwen2';
const FAMILIES = ['llama', 'qwen2'] as const;

/** A golden's cases of a method on a family, with their numbers of latents, pauses, silent tokens or blocks, in a batch's rows. */
type Cases = Readonly<Record<string, readonly number[]>>;
interface Covered {
  golden(family: Family): GoldenName;
  /** Prefix of a case's tensors. */
  prefix(family: Family, name: string): string;
  cases(family: Family): Cases;
}

type Meta = ReturnType<typeof readGolden>['meta'];
const countsBy = (given: object, of: (one: Meta) => readonly number[] | undefined): Cases =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, one]) => {
      const counts = of(one);
      return counts ? [[name, counts] as const] : [];
    }),
  );

/** One golden for both families. */
const shared = (golden: GoldenName, of: (one: Meta, samples: Meta[]) => readonly number[]): Covered => ({
  golden: () => golden,
  prefix: (family, name) => `${family}.${name}.`,
  cases(family) {
    const { cases, samples } = readGolden(golden).meta;
    return countsBy(cases[family], (one) => of(one, samples[family]));
  },
});

/** A method of methods-llama and methods-qwen2. */
const ofMethods = (method: string, key: string): Covered => ({
  golden: (family) => `methods-${family}`,
  prefix: (_, name) => `${name}.`,
  cases: (family) =>
    countsBy(readGolden(`methods-${family}`).meta.cases, (one) =>
      one.method === method ? [one[key]] : undefined,
    ),
});

const ofThoughts = (method: string): Covered => ({
  golden: () => 'thoughts',
  prefix: (family, name) => `${family}.${name}.`,
  cases: () =>
    countsBy(readGolden('thoughts').meta.cases, (one) => (one.method === method ? [one.latents] : undefined)),
});

const clamp = (least: number, n: number, most: number): number => Math.min(most, Math.max(least, n));

const COVERED: Readonly<Record<string, Covered>> = {
  lori: ofThoughts('lori'),
  codi: ofThoughts('codi'),
  ce: ofThoughts('ce'),
  nocot: ofThoughts('nocot'),
  'codi-self': ofMethods('codi', 'latents'),
  pccot: ofMethods('pccot', 'latents'),
  'pause-ft': ofMethods('pause', 'pauses'),
  'cot-sft': ofMethods('cot', 'latents'),
  dart: shared('dart', ({ count }) => [count]),
  kava: shared('kava', ({ latents }) => [latents]),
  'sim-cot': shared('simcot', ({ latents }) => [latents]),
  lotus: shared('lotus', ({ blocks }) => [blocks]),
  icot: shared('icot', () => []),
  coconut: shared('coconut', ({ stages, c, pad }, samples) => {
    const { S } = readGolden('coconut').meta;
    const of = (stage: number, steps: number) => (stage <= S ? stage : pad ? S : Math.min(steps, S));
    return (stages as number[]).map((stage, b) => c * of(stage, samples[b].steps.length));
  }),
  adaptive: shared('adaptive', ({ factor, bias, min, max }, samples) =>
    samples.map(({ steps }) => clamp(min, factor * steps.length + bias, max)),
  ),
  grpo: {
    golden: () => 'grpo',
    prefix: (family, name) => `${family}.${name}.`,
    cases: (family) => ({
      step: readGolden('grpo').meta.completions[family].map(({ latents }: Meta) => latents),
    }),
  },
};

const WITHOUT_LATENTS = ['nocot', 'cot-sft', 'icot'];

describe('the goldens of every method', () => {
  it('are known', () => {
    expect(Object.keys(COVERED).sort()).toEqual(METHODS.map(({ id }) => id).sort());
  });

  it.each(Object.entries(COVERED))('%s', (method, { golden, prefix, cases }) => {
    const stepped = FAMILIES.map((family) => {
      const { names } = readGolden(golden(family));
      const all = cases(family);
      for (const name of Object.keys(all)) {
        const under = names.filter((one) => one.startsWith(prefix(family, name)));
        expect(
          under.some((one) => /(^|\.)weighted\./.test(one)),
          name,
        ).toBe(true);
        expect(
          under.some((one) => /\.(grad\.|projections$)/.test(one)),
          name,
        ).toBe(true);
      }
      const counts = new Set(Object.values(all).flat());
      if (!WITHOUT_LATENTS.includes(method))
        for (const K of [1, 2, 5]) expect(counts.has(K), `${family}, ${K}`).toBe(true);
      return Object.keys(all).some((name) =>
        names.some((one) => one.startsWith(`${prefix(family, name)}after3.`)),
      );
    });
    expect(stepped, 'what three steps of AdamW make of the trained values').toContain(true);
  });
});
