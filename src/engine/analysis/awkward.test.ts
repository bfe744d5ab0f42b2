import { describe, expect, it } from 'vitest';
import { unpackF32 } from '../kernels/shared/golden';
import { type CaseKind, caseMatrix } from '../kernels/svd/cases';
import golden from './awkward.golden.json';
import { matrixSpectra } from './matrix-spectra';

type Case = (typeof golden.cases)[number];

/** As scripts/goldens/lens-analysis/awkward.py builds them. */
function awkward({ kind, m, n, seed }: Case): Float32Array<ArrayBuffer> {
  if (kind === 'constant') return new Float32Array(m * n).fill(0.1);
  if (kind === 'deficient') {
    const base = caseMatrix('decay', m, n, seed);
    return base.map((_, i) => base[(Math.floor(i / n) % 7) * n + (i % n)] as number);
  }
  if (kind === 'ill-scaled') return caseMatrix('white', m, n, seed).map((x, i) => x * 2 ** -((i % n) % 41));
  return caseMatrix(kind as CaseKind, m, n, seed);
}

const spectrumOf = async (c: Case, data: Float32Array<ArrayBuffer>) => {
  const matrix = { label: c.kind, about: '', tokens: c.m, rows: c.m };
  const filled = { ...matrix, fill: (out: Float32Array<ArrayBuffer>) => out.set(data) };
  const { spectra } = await matrixSpectra([filled], c.n);
  return spectra[0] as (typeof spectra)[number];
};

/**
 * Rounding of a float64 Gram matrix moves σ² by a few 2⁻⁵³·σ₁²: where σ is 0 by up to √(k·2⁻⁵³)·σ₁ (1e-7 for k = 97; 2e-8
 * measured), and σ ≥ 1e-6·σ₁ by up to 1e-4 of itself (2e-5 measured). The stored values are float32. The effective rank
 * counts the noise where σ is 0: 90 values of 2e-8·σ₁ add 3e-6 of it.
 */
const GATE = { absolute: 1e-7, above: 1e-6, relative: 1e-4, effective: 1e-5, stable: 1e-6 };

describe('spectra of matrices that are hard for a Gram matrix, against float64 LAPACK', () => {
  it.each(golden.cases.map((c) => [`${c.kind} ${c.m} × ${c.n}`, c] as const))('%s', async (_, c) => {
    const data = awkward(c);
    const checksum = data.reduce((sum, x) => sum + Math.abs(x), 0);
    expect(Math.abs(checksum / c.checksum - 1)).toBeLessThan(1e-12);
    const want = unpackF32(c.sigma);
    const { sigma, energyRanks, effectiveRank, stableRank } = await spectrumOf(c, data);
    expect(sigma.length).toBe(Math.min(c.m, c.n));
    const first = want[0] as number;
    let [absolute, relative] = [0, 0];
    want.forEach((x, i) => {
      const error = Math.abs((sigma[i] as number) - x);
      absolute = Math.max(absolute, error / first);
      if (x >= GATE.above * first) relative = Math.max(relative, error / x);
    });
    if (process.env.SHOW) console.log(`${c.kind} ${c.m}×${c.n}: |Δσ|/σ₁ ${absolute}, |Δσ|/σ ${relative}`);
    expect(absolute).toBeLessThan(GATE.absolute);
    expect(relative).toBeLessThan(GATE.relative);
    expect(Math.abs(effectiveRank / c.effectiveRank - 1)).toBeLessThan(GATE.effective);
    expect(Math.abs(stableRank / c.stableRank - 1)).toBeLessThan(GATE.stable);
    // No share of energy is so near a rank's that rounding decides it.
    expect(c.margin).toBeGreaterThan(1e-5);
    expect(energyRanks).toEqual(c.energyRanks);
  });
});
