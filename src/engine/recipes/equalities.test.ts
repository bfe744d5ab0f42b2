import { describe, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig, type RunConfig } from '../../contract/config';
import { readGolden } from '../testing/golden.testing';
import { interpretedStep } from '../train/interpreted.testing';
import { coconut } from './coconut';
import { icot } from './icot';
import { makeCase } from './method-goldens.testing';
import { configOf, recorded } from './methods.testing';
import { nocot } from './nocot';
import { type Parity, valuesOf } from './parity.testing';
import { TOKENS } from './shared/added-tokens';

/** Terms and gradients by name. @param alike every added token has the first one's embedding */
const named = (config: RunConfig, alike = false) => namedOf(recorded('llama', config), alike);

function namedOf(parity: Parity, alike = false): Record<string, readonly number[]> {
  const tape = parity.tape();
  const { hiddenSize: H } = parity.config;
  const values = valuesOf(parity, tape).map((own, i) =>
    alike && tape.parameters.all[i]?.name === TOKENS ? own.map((_, j) => own[j % H] as number) : own,
  );
  const [terms, ...gradients] = interpretedStep(tape, parity.weights, parity.feeds, values);
  const byName = Object.fromEntries(tape.terms.map((term, i) => [term, [terms[i] as number]]));
  tape.parameters.all.forEach(({ name }, i) => {
    byName[name] = Array.from(gradients[i] as Float64Array);
  });
  return byName;
}

describe('methods that must be equal', () => {
  /** Largest difference of terms and gradients, of those that both have; rows of added tokens that only one has are left out. */
  const difference = (a: RunConfig, b: RunConfig): number => {
    const [first, second] = [named(a), named(b)];
    const shared = Object.keys(first).filter((name) => second[name]);
    expect(shared).toContain('answer');
    expect(shared).toContain('student.0');
    return Math.max(
      ...shared.flatMap((name) => {
        const other = second[name] as readonly number[];
        const own = first[name] as readonly number[];
        const n = Math.min(own.length, other.length);
        return own.slice(0, n).map((x, i) => Math.abs(x - (other[i] as number)));
      }),
    );
  };
  const pccot = configOf('llama', 'pccot') as ConfigOf<'pccot'>;
  const parallel = (steps: number, iterations: number): RunConfig => ({
    ...pccot,
    latent: { steps, iterations },
  });
  const sequential = (steps: number): RunConfig => {
    const { method: _, version: __, latent: ___, ...same } = pccot;
    return parseRunConfig({ ...same, method: 'codi-self', latent: { steps } });
  };

  it.each([
    [1, 1],
    [3, 4],
  ])('%i latents in parallel after %i iterations are latents one after another', (c, T) => {
    // Float64; sums in another order.
    expect(difference(parallel(c, T), sequential(c))).toBeLessThan(1e-9);
  });

  it('fewer iterations than latents are not', () => {
    expect(difference(parallel(3, 2), sequential(3))).toBeGreaterThan(1e-3);
  });

  it('latents that are never refined are pauses, between the tokens around them', () => {
    const weights = { answer: 1.25, teacher: 0, distillation: 0 };
    const refined = (iterations: number): RunConfig => ({
      ...pccot,
      weights,
      latent: { steps: 3, iterations },
    });
    // Tokens around and latents are one pause each, where they have one embedding; whose gradient is then the sum of theirs.
    const added = { pauses: { count: 5 }, weights: { answer: 1.25 }, answer: pccot.answer };
    const pauses = named(parseRunConfig({ method: 'pause-ft', ...added }), true);
    const { hiddenSize: H } = recorded('llama', pccot).config;
    const apart = (iterations: number): number => {
      const { tokens: rows = [], ...own } = named(refined(iterations), true);
      const tokens = Array.from({ length: H }, (_, j) =>
        rows.filter((_, i) => i % H === j).reduce((a, b) => a + b, 0),
      );
      expect(
        Object.keys(own)
          .filter((name) => !name.startsWith('projection'))
          .sort(),
      ).toEqual(
        Object.keys(pauses)
          .filter((name) => name !== TOKENS)
          .sort(),
      );
      return Math.max(
        ...Object.entries(pauses).flatMap(([name, all]) =>
          all.map((x, i) => Math.abs(x - ((name === TOKENS ? tokens : own[name])?.[i] as number))),
        ),
      );
    };
    expect(apart(0)).toBeLessThan(1e-12);
    expect(apart(1)).toBeGreaterThan(1e-3);
  });

  it('a chain that is all removed is No-CoT whose target begins with the end token', async () => {
    const golden = readGolden('icot');
    const of = { golden, family: 'llama', name: 'all', stage: 20 } as const;
    const weights = { answer: 0.8 };
    const removal = { perStage: 1, allBeyond: 20 };
    const removed = await makeCase({ ...of, recipe: icot, config: { method: 'icot', removal, weights } });
    // Its separator as the question's last token, its end of the chain as the prompt's first.
    const END = 1;
    const samples = golden.meta.samples.llama.map((one: Record<'question' | 'prompt', number[]>) => ({
      ...{ ...one, question: [...one.question, END], prompt: [END, ...one.prompt] },
    }));
    const direct = await makeCase({
      ...{ ...of, golden: { ...golden, meta: { ...golden.meta, samples: { llama: samples } } } },
      ...{ recipe: nocot, config: { method: 'nocot', weights, answer: { supervised: 'prompt' } } },
    });
    const [own, other] = [namedOf(removed), namedOf(direct)];
    expect(Object.keys(own)).toEqual(Object.keys(other));
    // Float64; the mean's weights are rounded to float32.
    for (const [name, all] of Object.entries(own))
      for (const [i, x] of all.entries())
        expect(Math.abs(x - (other[name]?.[i] as number))).toBeLessThan(1e-6);
  });

  it('steps that are all left out, with nothing in their place, are No-CoT', async () => {
    const golden = readGolden('coconut');
    const weights = { answer: 1.25 };
    const of = { golden, family: 'llama', name: 'nothing' } as const;
    const curriculum = { stages: 2, first: 3, inPlace: 'nothing' };
    const [own, other] = await Promise.all([
      makeCase({ ...of, recipe: coconut, config: { method: 'coconut', curriculum, weights } }),
      makeCase({
        ...{ ...of, recipe: nocot },
        config: { method: 'nocot', weights, answer: { supervised: 'prompt' } },
      }),
    ]).then((cases) => cases.map((one) => namedOf(one)));
    expect(Object.keys(own as object)).toEqual(Object.keys(other as object));
    for (const [name, all] of Object.entries(own as Record<string, number[]>))
      for (const [i, x] of all.entries())
        expect(Math.abs(x - (other?.[name]?.[i] as number))).toBeLessThan(1e-6);
  });

  it('no pauses are No-CoT', () => {
    const weights = { answer: 1.25 };
    const answers = ['answer', 'prompt'].map((supervised) => ({ weights, answer: { supervised } }));
    const pauses = (count: number, given: object) =>
      parseRunConfig({ ...given, method: 'pause-ft', pauses: { count } });
    for (const given of answers) {
      const direct = parseRunConfig({ ...given, method: 'nocot' });
      expect(difference(pauses(0, given), direct)).toBe(0);
      expect(difference(pauses(1, given), direct)).toBeGreaterThan(1e-3);
    }
  });
});
