import { describe, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig, type RunConfig } from '../../contract/config';
import { configOf, recorded } from './methods.testing';
import { outputsOf } from './parity.testing';

/** Terms and gradients by name. */
function named(config: RunConfig): Record<string, readonly number[]> {
  const parity = recorded('llama', config);
  const tape = parity.tape();
  const [terms, ...gradients] = outputsOf(parity, tape);
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
