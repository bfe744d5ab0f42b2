import { describe, expect, it } from 'vitest';
import { webgpuProvider } from '../../testing/providers.testing';
import { familyErrors } from './families.testing';
import { familyCases, fineCases } from './families-files.testing';
import { ROUNDINGS, roundingErrors } from './rounding.testing';

/** As on WASM; measured at most 2e-6. */
const TOLERANCE = 1e-5;
const provider = webgpuProvider();

/** Logits of each family too, and 16 bits of each: two minutes more. */
const ALL = import.meta.env.VITE_ALL !== undefined;
/**
 * One family of four, because what is kept in 16 bits does not depend on the rest of a family.
 */
const isShown = (family: (typeof familyCases)[number]): boolean => familyCases.indexOf(family) % 4 === 0;

describe.each(familyCases)('on WebGPU: $name', (family) => {
  it('computes what torch computes from bf16', async () => {
    // Latents after padded questions, and position by position, for the family that differs most from the
    // others.
    const stepped = family.name.startsWith('gpt2, no prefix');
    const ways = stepped
      ? (['latents', 'logits'] as const)
      : ALL
        ? (['text', 'logits'] as const)
        : (['text'] as const);
    const errors = await familyErrors(provider.gpu, family, 'bf16', ways);
    for (const [way, error] of Object.entries(errors)) expect(error, way).toBeLessThan(TOLERANCE);
  });

  it.runIf(isShown(family) || ALL)('kept in 16 bits: what torch computes', async () => {
    // Asked for are 2e-2, but multiples by blocks hold these weights.
    const { text } = await familyErrors(provider.gpu, family, 'bf16', ['text'], 'half');
    expect(text).toBeLessThan(TOLERANCE);
  });
});

describe.each(fineCases)('on WebGPU: $name, with weights that 16 bits do not hold', (family) => {
  const isFirst = family === fineCases[0];
  // Rounding a file and a matrix by blocks does not depend on the family: the others with VITE_ALL.
  it.each(ROUNDINGS.filter(({ storage }) => storage === 'half' || isFirst || ALL))(
    'from $dtype, kept as $storage: off, but within $most',
    async (rounding) => {
      for (const [way, error] of await roundingErrors(
        provider.gpu,
        family,
        rounding,
        isFirst && rounding.storage === 'half' ? ['text', 'logits'] : ['text'],
      )) {
        expect(error, way).toBeLessThan(rounding.most);
        expect(error, way).toBeGreaterThan(TOLERANCE);
      }
    },
  );
});
