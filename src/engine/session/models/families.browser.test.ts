import { describe, expect, it } from 'vitest';
import { webgpuProvider } from '../../testing/providers.testing';
import { familyErrors } from './families.testing';
import { familyCases } from './families-files.testing';

/** As on WASM; measured at most 2e-6. */
const TOLERANCE = 1e-5;
/** Asked for, as a share of the largest value. */
const IN_16_BITS = 2e-2;
const provider = webgpuProvider();

describe.each(familyCases)('on WebGPU: $name', (family) => {
  it('from bf16: what torch computes', async () => {
    // Latents after padded questions, and position by position, where the most differs from other families.
    const stepped = family.name.startsWith('gpt2, no prefix');
    const errors = await familyErrors(
      provider.gpu,
      family,
      'bf16',
      stepped ? ['latents', 'logits'] : ['text'],
    );
    for (const [way, error] of Object.entries(errors)) expect(error, way).toBeLessThan(TOLERANCE);
  });

  it('kept in 16 bits: what torch computes', async () => {
    const { text } = await familyErrors(provider.gpu, family, 'bf16', ['text'], 'half');
    // Fixed-point by blocks: not exact.
    expect(text).toBeGreaterThan(2 ** -24);
    expect(text).toBeLessThan(IN_16_BITS);
  });
});
