import { describe, expect, it } from 'vitest';
import { NumericError } from '../base/errors';
import { finished } from '../kernels/shared/eigen';
import { relativeError, unpackF32 } from '../kernels/shared/testing';
import { anchorFactors, layerStd, scaledLayerFactor, teacherFactors } from './lori-factors';
import { StateSums } from './streamed-factors';
import golden from './tucker.golden.json';

const { layers, hidden, rankL, rankH } = golden;
const samples = golden.samples.map(unpackF32);
const rank = rankL * rankH;

/** Σ_c u[:, c] u[:, c]ᵀ of one factor [n, r]. */
function projector(u: Float32Array, n: number, r: number): Float32Array {
  return Float32Array.from({ length: n * n }, (_, at) => {
    let s = 0;
    for (let c = 0; c < r; c++)
      s += (u[Math.floor(at / n) * r + c] as number) * (u[(at % n) * r + c] as number);
    return s;
  });
}

const norm = (x: Float32Array) => Math.sqrt(x.reduce((s, v) => s + v * v, 0));

describe('teacher factors', () => {
  const std = layerStd(samples, layers, hidden);

  it('finds the spread of each layer', () => {
    expect(relativeError(std, unpackF32(golden.std))).toBeLessThan(1e-6);
    expect([...layerStd([new Float32Array([5, 5, 1, 3])], 2, 2)]).toEqual([1, 1]);
  });

  for (const [name, want, options] of [
    ['shared, normalised', golden.shared, { layerScale: std }],
    ['shared, as they are', golden.plain, {}],
    ['one subspace per sample', golden.perSample, { layerScale: std, scope: 'sample' }],
  ] as const) {
    it(`match numpy: ${name}`, () => {
      const f = finished(teacherFactors(samples, layers, hidden, { rankL, rankH, ...options }));
      const count = f.scope === 'shared' ? 1 : samples.length;
      for (let b = 0; b < count; b++) {
        const uL = f.uL.subarray(b * layers * rankL, (b + 1) * layers * rankL);
        const uH = f.uH.subarray(b * hidden * rankH, (b + 1) * hidden * rankH);
        const wantL = unpackF32(want.projectorL).subarray(b * layers ** 2, (b + 1) * layers ** 2);
        const wantH = unpackF32(want.projectorH).subarray(b * hidden ** 2, (b + 1) * hidden ** 2);
        expect(relativeError(projector(uL, layers, rankL), wantL)).toBeLessThan(1e-5);
        expect(relativeError(projector(uH, hidden, rankH), wantH)).toBeLessThan(1e-5);
      }
      samples.forEach((_, b) => {
        const mu = f.mu.subarray(b * rank, (b + 1) * rank);
        const c = f.c.subarray(b * rank * rank, (b + 1) * rank * rank);
        expect(norm(mu) / (want.muNorm[b] as number)).toBeCloseTo(1, 5);
        expect(norm(c) / (want.cNorm[b] as number)).toBeCloseTo(1, 5);
        const diagonal = Float32Array.from({ length: rank }, (_, i) => c[i * rank + i] as number);
        expect(
          relativeError(diagonal, unpackF32(want.cDiagonal).subarray(b * rank, (b + 1) * rank)),
        ).toBeLessThan(1e-5);
      });
    });
  }

  it.each([
    ['normalised', golden.shared, true],
    ['as they are', golden.plain, false],
  ])('match numpy, read one sample at a time: shared, %s', (_name, want, scaled) => {
    const sums = new StateSums(layers, hidden, { grams: true, scaled });
    for (const [b, states] of samples.entries()) finished(sums.add(states, b));
    expect(relativeError(sums.std(), unpackF32(golden.std))).toBeLessThan(1e-6);
    const layerScale = scaled ? sums.std() : new Float32Array(layers).fill(1);
    const { uL, uH } = finished(sums.factors({ rankL, rankH, layerScale }));
    expect(relativeError(projector(uL, layers, rankL), unpackF32(want.projectorL))).toBeLessThan(1e-5);
    expect(relativeError(projector(uH, hidden, rankH), unpackF32(want.projectorH))).toBeLessThan(1e-5);
  });

  it('finds the spread of layers far from zero, read one sample at a time', () => {
    // Squares summed first would leave nothing of a spread of 1 around 1e6 in this many values.
    const far = samples.map((states) => states.map((x) => Math.fround(x + 1e6)));
    const sums = new StateSums(layers, hidden, { grams: false, scaled: true });
    for (const [b, states] of far.entries()) finished(sums.add(states, b));
    expect(relativeError(sums.std(), layerStd(far, layers, hidden))).toBeLessThan(1e-7);
  });

  it('gives the spectrum of the stacked unfoldings', () => {
    const f = finished(teacherFactors(samples, layers, hidden, { rankL, rankH }));
    f.sigmaL.forEach((s, i) => {
      expect(s / (golden.sigmaL[i] as number)).toBeCloseTo(1, 8);
    });
    expect(f.sigmaH.length).toBe(hidden);
  });

  it('folds the layer scale into U_L', () => {
    const scaled = scaledLayerFactor(new Float32Array([2, 4, 6, 8]), new Float32Array([2, 4]), 2);
    expect([...scaled]).toEqual([1, 2, 1.5, 2]);
  });

  it('refuses no samples, torn samples, NaN, ranks past the shape and a scale of 0', () => {
    const ask = (s: Float32Array[], o = {}) =>
      finished(teacherFactors(s, 2, 2, { rankL: 1, rankH: 1, ...o }));
    expect(() => ask([])).toThrow(/no samples/);
    expect(() => ask([new Float32Array(4), new Float32Array(6)])).toThrow(/sample 1 has 6 elements/);
    expect(() => ask([new Float32Array([1, 2, 3, Number.NaN])])).toThrow(NumericError);
    expect(() => ask([new Float32Array(4)], { rankL: 3 })).toThrow(/rank 3 requested of a mode of size 2/);
    expect(() => ask([new Float32Array(4)], { layerScale: new Float32Array([1, 0]) })).toThrow(
      /positive finite/,
    );
  });
});

describe('anchor factors', () => {
  const anchor = unpackF32(golden.anchor);
  const [rankB, rankL2, rankH2] = golden.anchorRanks as [number, number, number];
  const ranks = { rankB, rankL: rankL2, rankH: rankH2 };

  it('match numpy, by HOSVD and by HOOI, and project the states', () => {
    const plain = finished(anchorFactors(anchor, layers, hidden, ranks));
    const wantPlain = unpackF32(golden.hosvd.projectorH);
    expect(relativeError(projector(plain.uH, hidden, rankH2), wantPlain)).toBeLessThan(1e-5);
    const fine = finished(anchorFactors(anchor, layers, hidden, { ...ranks, hooi: true }));
    const wantFine = unpackF32(golden.hooi.projectorH);
    expect(relativeError(projector(fine.uH, hidden, rankH2), wantFine)).toBeLessThan(1e-4);
    expect(relativeError(wantFine, wantPlain)).toBeGreaterThan(1e-3);
    expect(plain.target.length).toBe(6 * layers * rankH2);
    let want = 0;
    for (let h = 0; h < hidden; h++)
      want += (anchor[hidden + h] as number) * (plain.uH[h * rankH2 + 1] as number);
    expect((plain.target[rankH2 + 1] as number) / want).toBeCloseTo(1, 5);
  });

  it('divides the layers first if requested', () => {
    const twice = finished(
      anchorFactors(anchor, layers, hidden, {
        ...ranks,
        layerScale: new Float32Array(layers).fill(2),
      }),
    );
    const plain = finished(anchorFactors(anchor, layers, hidden, ranks));
    expect(
      relativeError(
        twice.target.map((x) => x * 2),
        plain.target,
      ),
    ).toBeLessThan(1e-5);
  });
});
