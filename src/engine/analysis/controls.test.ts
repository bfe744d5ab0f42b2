import { describe, expect, it } from 'vitest';
import { gaussian, shuffled } from './controls';
import { constantStates, randomStates } from './lens.testing';
import { matrixSpectra } from './matrix-spectra';
import { type StackedMatrix, stacked } from './stacks';

const H = 12;
const g = randomStates([30, 40], 2, H, 4);
const plain = stacked(g, { stack: 'sample', layers: [1, 2], centre: false });

function filled(matrix: StackedMatrix | undefined): Float32Array<ArrayBuffer> {
  if (!matrix) throw new Error('no such matrix');
  const out = new Float32Array(matrix.rows * H).fill(Number.NaN);
  matrix.fill(out);
  return out;
}
const column = (x: Float32Array, c: number) => x.filter((_, i) => i % H === c);
const rms = (x: Float32Array) => Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length);

describe('shuffled', () => {
  it("keeps every feature's values, each permuted in its own way", () => {
    const one = shuffled(plain, H, 7);
    plain.forEach((m, i) => {
      const [before, after] = [filled(m), filled(one[i])];
      let moved = 0;
      for (let c = 0; c < H; c++) {
        expect([...column(after, c)].sort()).toEqual([...column(before, c)].sort());
        moved += column(after, c).filter((x, r) => x !== column(before, c)[r]).length;
      }
      expect(moved).toBeGreaterThan(0.9 * before.length);
    });
    // Were all columns permuted alike, the spectrum would not change.
    expect(filled(one[0])).not.toEqual(filled(one[1]));
  });

  it('raises the effective rank of correlated features only by breaking their correlation', async () => {
    const low = randomStates([60], 1, H, 2);
    for (const { states, tokens } of low.samples) {
      for (let t = 0; t < tokens; t++) {
        for (let h = 0; h < H; h++) states[t * H + h] = (states[t * H] as number) * (1 + h);
      }
    }
    const one = stacked(low, { stack: 'sample', layers: [1], centre: true });
    const rank = async (m: StackedMatrix[]) =>
      (await matrixSpectra(m, H)).spectra[0]?.effectiveRank as number;
    expect(await rank(one)).toBeLessThan(1.01);
    expect(await rank(shuffled(one, H, 1))).toBeGreaterThan(5);
  });

  it('depends only on the seed, whatever else is requested', () => {
    const whole = shuffled(plain, H, 7).map(filled);
    expect(filled(shuffled(plain.slice(1), H, 7)[0])).toEqual(whole[1]);
    expect(filled(shuffled(plain, H, 8)[1])).not.toEqual(whole[1]);
  });
});

describe('gaussian', () => {
  it('has the matrix’s root mean square', () => {
    for (const [i, m] of gaussian(plain, H, 3, false).entries()) {
      const [want, got] = [filled(plain[i]), filled(m)];
      // Of 720 and 960 entries: three standard errors of 1/√(2n).
      expect(Math.abs(rms(got) / rms(want) - 1)).toBeLessThan(3 / Math.sqrt(2 * want.length));
      expect(got).not.toEqual(want);
      const mean = got.reduce((a, b) => a + b, 0) / got.length;
      expect(Math.abs(mean)).toBeLessThan((3.5 * rms(want)) / Math.sqrt(want.length));
    }
  });

  it('is centred if the matrices are, with the norm that remains', () => {
    const centred = stacked(g, { stack: 'sample', layers: [1, 2], centre: true });
    const drawn = gaussian(centred, H, 3, true);
    for (const [i, m] of drawn.entries()) {
      const x = filled(m);
      for (let c = 0; c < H; c++) {
        expect(Math.abs(column(x, c).reduce((a, b) => a + b, 0) / m.rows)).toBeLessThan(1e-6);
      }
      expect(Math.abs(rms(x) / rms(filled(centred[i])) - 1)).toBeLessThan(0.1);
    }
  });

  it('of an empty matrix is empty', () => {
    const none = stacked(constantStates([4], 1, H), { stack: 'sample', layers: [1], centre: true });
    expect([...filled(gaussian(none, H, 1, true)[0])].every((x) => x === 0)).toBe(true);
  });
});
