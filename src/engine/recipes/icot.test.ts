import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig } from '../../contract/config';
import { icotRemoved } from '../../contract/methods/icot';
import { methodOf } from '../../contract/methods/index';
import { runStages } from '../../contract/methods/method';
import type { HostTensor } from '../base/dtype';
import { skippedIn } from '../decode/reasoning';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { TINY_CONFIG } from '../train/tiny.testing';
import { icot, offsetOf, remaining, removalOffset } from './icot';
import { casesOf, type Family, makeCase, ROUNDING, TOLERANCE } from './method-goldens.testing';
import { interpreted, onBackEnds, worst } from './parity.testing';

const golden = readGolden('icot');
const { weight, cases } = golden.meta;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** The stage and step at which as many tokens are removed from each sample as the golden says, with much smoothing. */
function caseOf(family: Family, name: string) {
  const { removed, side, kept } = cases[family][name] as {
    removed: number[];
    side: 'left' | 'right';
    kept?: boolean;
  };
  const least = Math.min(...removed);
  const positions = kept ? 'kept' : 'renumbered';
  const removal = { side, perStage: 1, allBeyond: 20, smoothing: 0.7, positions };
  const config = { method: 'icot', removal, weights: { answer: weight } } as const;
  const of = { golden, family, name, recipe: icot, config };
  if (least === 99) return { ...of, stage: 20 };
  const seeded = parseRunConfig(config);
  for (let step = 0; ; step++)
    if (removed.every((k, sample) => least + offsetOf(seeded, { sample, step }) === k))
      return { ...of, stage: least, step };
}

describe('a step agrees with torch, term and gradients', () => {
  it.each(casesOf(golden.meta))('%s, %s', async (family, name) => {
    expect(await onBackEnds(await makeCase(caseOf(family, name)), runtime)).toBeLessThan(TOLERANCE);
  });

  it('in the float64 interpreter, to the rounding of the golden file', async () => {
    expect(worst(interpreted(await makeCase(caseOf('llama', 'left'))))).toBeLessThan(ROUNDING);
  });
});

describe('removal', () => {
  it('may begin later, and with tokens removed from the start; before it no offset is drawn', async () => {
    const removal = { perStage: 4, allBeyond: 9, stageSteps: 10, start: 2, pretrainSteps: 7 };
    const at = (changes: object, steps = 1000) =>
      runStages(
        methodOf('icot'),
        parseRunConfig({ method: 'icot', removal: { ...removal, ...changes }, optimiser: { steps } }),
      ).map(({ name, from }) => `${name} ${from}`);
    expect(at({})).toEqual(['R = 2, before removal 0', 'R = 2 7', 'R = 6 17', 'R = ∞ 27']);
    expect(at({ pretrainSteps: 0 })).toEqual(['R = 2 0', 'R = 6 10', 'R = ∞ 20']);
    expect(at({}, 7)).toEqual(['R = 2, before removal 0']);
    const config = parseRunConfig({ method: 'icot', removal }) as ConfigOf<'icot'>;
    const anew = (step: number) => icot.startsAnew?.(config, { step, stageBegins: true, epochBegins: true });
    expect([anew(7), anew(17)]).toEqual([false, true]);
    // Much smoothing: lengths differ by offsets in all stages but the first.
    const lengths = async (stage: number) => {
      const of = { ...caseOf('llama', 'left'), stage, step: 5 };
      const many = { ...removal, smoothing: 0.1 };
      const { feeds } = await makeCase({ ...of, config: { method: 'icot', removal: many } });
      return Array.from((feeds['text.weights'] as HostTensor).data).filter((w) => w > 0).length;
    };
    // Chains of 7, 3 and 5 tokens without two each; an end, a prompt of 3, answers of 1, 2 and 1 and an end.
    expect(await lengths(0)).toBe(5 + 1 + 3 + 3 * (1 + 3 + 1) + 4);
    expect(await lengths(1)).toBeLessThan(await lengths(0));
  });

  it('refuses kept positions where the last tokens go first', () => {
    const config = (side: string) =>
      parseRunConfig({ method: 'icot', removal: { positions: 'kept', side } }) as never;
    expect(() => icot.check?.(config('right'), TINY_CONFIG)).toThrow('the last tokens');
    icot.check?.(config('left'), TINY_CONFIG);
  });

  it('skips as many positions as a stage removes, and R_max once all are; none where they are renumbered', () => {
    const skipped = (changes: object): number[] => {
      const removal = { perStage: 4, allBeyond: 9, start: 2, positions: 'kept', ...changes };
      const config = parseRunConfig({ method: 'icot', removal }) as ConfigOf<'icot'>;
      return icotRemoved(config).map((_, stage) =>
        skippedIn(icot.reasoning(config, TINY_CONFIG, { stage, endId: 1 })),
      );
    };
    expect(skipped({})).toEqual([2, 6, 9]);
    expect(skipped({ positions: 'renumbered' })).toEqual([0, 0, 0]);
    // Before removal begins exactly the first tokens are gone, also beyond R_max.
    expect(skipped({ start: 12, pretrainSteps: 5 })).toEqual([12, 9]);
  });

  it('takes tokens from one end, and no more than there are', () => {
    expect(remaining([5, 6, 7], 1, 'left')).toEqual([6, 7]);
    expect(remaining([5, 6, 7], 1, 'right')).toEqual([5, 6]);
    for (const side of ['left', 'right'] as const) {
      expect(remaining([5, 6, 7], 0, side)).toEqual([5, 6, 7]);
      for (const k of [3, 4, Number.POSITIVE_INFINITY]) expect(remaining([5, 6, 7], k, side)).toEqual([]);
    }
    // Disjoint survivors once half is gone.
    const [left, right] = (['left', 'right'] as const).map((side) => remaining([1, 2, 3, 4, 5], 3, side));
    expect(left?.some((id) => right?.includes(id))).toBe(false);
  });

  it('adds an offset by P(o) = (1 − e^−λ)·e^−λo', () => {
    const expected = golden.tensor('smoothing').data;
    const edges = Array.from(expected, (_, o) =>
      Array.from(expected.subarray(0, o + 1)).reduce((sum, p) => sum + p, 0),
    );
    // Just below and above each edge of the distribution function; the golden's own rounding is 1e-16.
    for (const [o, edge] of edges.slice(0, 6).entries()) {
      expect(removalOffset(edge - 1e-12, golden.meta.lambda)).toBe(o);
      expect(removalOffset(edge + 1e-12, golden.meta.lambda)).toBe(o + 1);
    }
    expect(removalOffset(1 - 2 ** -53, 0.1)).toBe(99);
    expect(removalOffset(0.999999, 100)).toBe(0);
  });

  it('draws offsets from 0 to 99, with the rest of the probability on 99; their mean is 0.0187 for λ = 4', () => {
    /** P(o), from the place on [0, 1) where the offset grows beyond o. */
    const probabilities = (rate: number): number[] => {
      const edges = Array.from({ length: 100 }, (_, o) => {
        let [low, high] = [0, 1];
        for (let i = 0; i < 60; i++) {
          const middle = (low + high) / 2;
          if (middle < 1 && removalOffset(middle, rate) <= o) low = middle;
          else high = middle;
        }
        return high;
      });
      return edges.map((edge, o) => edge - (edges[o - 1] ?? 0));
    };
    const mean = (of: readonly number[]): number => of.reduce((sum, p, o) => sum + p * o, 0);
    const usual = probabilities(4);
    // Bisected to float64’s rounding near 1; to as many digits as they are known.
    expect(usual.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 14);
    expect(usual[0]).toBeCloseTo(0.98168, 5);
    expect(mean(usual)).toBeCloseTo(0.0187, 4);
    // Where smoothing is much, what is left after 98 shows: e^{−99λ}.
    const wide = probabilities(0.01);
    expect(wide.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 14);
    expect(wide[98]).toBeCloseTo((1 - Math.exp(-0.01)) * Math.exp(-0.98), 12);
    expect(wide[99]).toBeCloseTo(Math.exp(-0.99), 12);

    const config = parseRunConfig({ method: 'icot', removal: { smoothing: 4 } }) as ConfigOf<'icot'>;
    const n = 40_000;
    let drawn = 0;
    for (let i = 0; i < n; i++) drawn += offsetOf(config, { sample: i % 100, step: Math.floor(i / 100) });
    // Four standard errors; an offset’s variance is its mean and the square of it.
    expect(Math.abs(drawn / n - 0.0187)).toBeLessThan(4 * Math.sqrt((0.0187 + 0.0187 ** 2) / n));
  });

  it('removes all once R is large enough; what is left is No-CoT after an end token', async () => {
    const config = (removal: object) =>
      parseRunConfig({ method: 'icot', removal, optimiser: { steps: 1000 } });
    expect(icotRemoved(config({ perStage: 4, allBeyond: 9 }))).toEqual([0, 4, 8, Number.POSITIVE_INFINITY]);
    expect(icotRemoved(config({ allBeyond: 0 }))).toEqual([Number.POSITIVE_INFINITY]);
    const stages = runStages(methodOf('icot'), config({ perStage: 4, allBeyond: 9, stageSteps: 10 }));
    expect(stages.map(({ name, from }) => [name, from])).toEqual([
      ['R = 0', 0],
      ['R = 4', 10],
      ['R = 8', 20],
      ['R = ∞', 30],
    ]);
    const { feeds } = await makeCase(caseOf('llama', 'all'));
    const row = (name: string, b: number): number[] => {
      const { shape, data } = feeds[name] as HostTensor;
      const width = shape[1] as number;
      return Array.from(data).slice(b * width, (b + 1) * width);
    };
    const { prompt, answer } = golden.meta.samples.llama[1];
    expect(row('text.ids', 1)).toEqual([1, 1, ...prompt, ...answer]);
    expect(row('text.targets', 1)).toEqual([1, ...prompt, ...answer, 1]);
  });
});
