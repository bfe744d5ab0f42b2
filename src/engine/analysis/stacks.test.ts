import { describe, expect, it } from 'vitest';
import { CancelledError, NumericError, ShapeError } from '../base/errors';
import type { Device } from '../device/device';
import { gaussian } from './controls';
import golden from './lens.golden.json';
import { constantStates, goldenStates, randomStates, withEntry } from './lens.testing';
import { largestLot, matrixSpectra } from './matrix-spectra';
import { allLayers, checkGathered } from './rows';
import { type StackedMatrix, stacked } from './stacks';

const STACKS = ['sample', 'layer', 'token', 'all'] as const;

function filled(matrix: StackedMatrix, hidden: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(matrix.rows * hidden).fill(Number.NaN);
  matrix.fill(out);
  return out;
}

describe('stacks', () => {
  const g = randomStates([3, 1, 2], 3, 5);

  it('name their matrices and count their rows and tokens', () => {
    const told = (stack: (typeof STACKS)[number]) =>
      stacked(g, { stack, layers: [1, 3], centre: false }).map((m) => [m.label, m.tokens, m.rows]);
    expect(told('sample')).toEqual([
      ['sample-0', 3, 6],
      ['sample-1', 1, 2],
      ['sample-2', 2, 4],
    ]);
    expect(told('layer')).toEqual([
      ['layer 1', 6, 6],
      ['layer 3', 6, 6],
    ]);
    expect(told('token')).toEqual([
      ['token 1', 3, 6],
      ['token 2', 2, 4],
      ['token 3', 1, 2],
    ]);
    expect(told('all')).toEqual([['all', 6, 12]]);
  });

  it('hold each state of the chosen layers once, whatever the stack', () => {
    for (const layers of [[1, 2, 3], [2], [1, 3]]) {
      const all = (stack: (typeof STACKS)[number]) =>
        stacked(g, { stack, layers, centre: false })
          .flatMap((m) => [...filled(m, g.hidden)])
          .sort((a, b) => a - b);
      const want = all('all');
      expect(want.length).toBe(6 * layers.length * g.hidden);
      expect(want.some(Number.isNaN)).toBe(false);
      for (const stack of STACKS) expect(all(stack)).toEqual(want);
    }
  });

  it('subtract each matrix’s mean row without changing the states', () => {
    const before = g.samples.map((s) => s.states.slice());
    for (const stack of STACKS) {
      for (const m of stacked(g, { stack, layers: allLayers(3), centre: true })) {
        const x = filled(m, g.hidden);
        for (let h = 0; h < g.hidden; h++) {
          let sum = 0;
          for (let r = 0; r < m.rows; r++) sum += x[r * g.hidden + h] as number;
          expect(Math.abs(sum / m.rows)).toBeLessThan(1e-6);
        }
      }
    }
    expect(g.samples.map((s) => s.states)).toEqual(before);
  });

  it('refuse layers that do not exist', () => {
    for (const layers of [[], [0], [4], [2, 1], [1, 1], [1.5]]) {
      expect(() => stacked(g, { stack: 'all', layers, centre: false })).toThrow(ShapeError);
    }
    expect(() => stacked(g, { stack: 'all', layers: [1, 4], centre: false })).toThrow(
      'layers [1, 4]: expected some of 1 … 3',
    );
  });
});

describe('spectra of a stack', () => {
  const g = goldenStates('first');

  it.each(STACKS)('by %s match scipy, plain and centred', async (stack) => {
    for (const centre of [false, true]) {
      const want = golden.stacks[stack][centre ? 'centred' : 'plain'];
      const progress: number[] = [];
      const matrices = stacked(g, { stack, layers: golden.chosen, centre });
      const { spectra } = await matrixSpectra(matrices, g.hidden, { onProgress: (p) => progress.push(p) });
      expect(spectra.length).toBe(want.length);
      expect(progress.at(-1)).toBe(1);
      expect([...progress].sort((a, b) => a - b)).toEqual(progress);
      spectra.forEach(({ sigma }, i) => {
        const expected = want[i] as number[];
        expect(sigma.length).toBe(expected.length);
        // Centred entries are rounded to float32, as the states are: 6e-8 of the first value.
        expected.forEach((x, j) => {
          expect(Math.abs((sigma[j] as number) - x)).toBeLessThan(1e-6 * (expected[0] as number));
        });
      });
    }
  });

  it('do not depend on the order of samples', async () => {
    const turned = { ...g, samples: [...g.samples].reverse() };
    for (const stack of ['layer', 'token', 'all'] as const) {
      const [a, b] = await Promise.all(
        [g, turned].map((x) => matrixSpectra(stacked(x, { stack, layers: [1, 2], centre: false }), x.hidden)),
      );
      a?.spectra.forEach(({ sigma }, i) => {
        sigma.forEach((x, j) => {
          expect(b?.spectra[i]?.sigma[j]).toBeCloseTo(x, 4);
        });
      });
    }
  });

  it('hold one matrix at a time on the CPU, and lots of bounded size on a GPU', async () => {
    const rows = (count: number, n: number) => Array.from({ length: count }, () => ({ rows: n }));
    expect(largestLot(rows(300, 2), 8)).toBe(2 * 8 * 4);
    expect(largestLot(rows(3, 2 ** 14), 1024)).toBe(2 ** 26);
    expect(largestLot(rows(1, 2 ** 16), 1024)).toBe(2 ** 28);
    expect(largestLot([], 8)).toBe(0);
    const gpu = (isFallback: boolean) =>
      ({
        info: { isFallback },
        limits: { maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 30 },
      }) as Device;
    expect(largestLot(rows(300, 32), 128, gpu(false))).toBe(128 * 32 * 128 * 4);
    expect(largestLot(rows(30, 1440), 896, gpu(false))).toBe(13 * 1440 * 896 * 4);
    expect(largestLot(rows(30, 1440), 896, gpu(true))).toBe(1440 * 896 * 4);
    // Counted, not only planned: everything is filled into one buffer of one matrix.
    const buffers = new Set<ArrayBuffer>();
    const matrices = stacked(g, { stack: 'sample', layers: [1, 2], centre: false });
    const watched = matrices.map((m) => ({
      ...m,
      fill: (out: Float32Array<ArrayBuffer>) => {
        buffers.add(out.buffer);
        m.fill(out);
      },
    }));
    await matrixSpectra([...watched, ...watched], g.hidden);
    const largest = Math.max(...[...buffers].map((b) => b.byteLength));
    expect(largest).toBe(largestLot(matrices, g.hidden));
  });

  it('are zero for a constant stack once centred', async () => {
    const c = constantStates([3, 2], 2, 4);
    for (const stack of STACKS) {
      const of = async (centre: boolean) =>
        (await matrixSpectra(stacked(c, { stack, layers: [1, 2], centre }), 4)).spectra;
      for (const s of await of(true)) {
        expect([...s.sigma, ...s.cumulative, s.effectiveRank, s.stableRank, ...s.energyRanks]).toEqual(
          new Array(2 * s.sigma.length + 6).fill(0),
        );
      }
      for (const s of await of(false)) {
        expect(s.stableRank).toBeCloseTo(1, 6);
        expect(s.energyRanks).toEqual([1, 1, 1, 1]);
      }
    }
  });

  it('can be cancelled', async () => {
    const matrices = stacked(g, { stack: 'sample', layers: [1], centre: false });
    await expect(matrixSpectra(matrices, g.hidden, { signal: AbortSignal.abort() })).rejects.toThrow(
      CancelledError,
    );
  });

  it('hear a cancel while a large control is drawn', async () => {
    // 8 M normal numbers in 64 pieces: several times as long as a slice.
    const matrix = { label: 'large', about: '', tokens: 2 ** 12, rows: 2 ** 12, fill: () => {} };
    const [drawn] = gaussian([matrix], 2 ** 11, 1, false) as [StackedMatrix];
    let pieces = 0;
    const counted: StackedMatrix = {
      ...drawn,
      *fillSteps(out) {
        for (const _ of drawn.fillSteps?.(out) ?? []) yield ++pieces;
      },
    };
    const controller = new AbortController();
    const failing = matrixSpectra([counted], 2 ** 11, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(failing).rejects.toThrow(CancelledError);
    expect(pieces).toBeGreaterThan(0);
    expect(pieces).toBeLessThan(60);
  });
});

describe('gathered states', () => {
  it('are refused if a sample holds NaN or Inf, naming it, its token and its layer', () => {
    const g = randomStates([3, 2], 2, 4);
    checkGathered(g);
    expect(() => checkGathered(withEntry(g, 1, 1 * 8 + 4, Number.NaN))).toThrow(NumericError);
    const chosen = Array.from({ length: g.layers }, (_, l) => 10 * l);
    expect(() => checkGathered({ ...withEntry(g, 1, 0, Number.NaN), chosen })).toThrow('token 1, layer 0');
    expect(() => checkGathered(withEntry(g, 1, 1 * 8 + 4, Number.NaN))).toThrow(
      'sample-1 holds NaN at token 2, layer 2',
    );
    // Of a span that begins at token 5.
    expect(() => checkGathered(withEntry(g, 1, 1 * 8 + 4, Number.NaN), 5)).toThrow('token 6, layer 2');
    expect(() => checkGathered(withEntry(g, 0, 0, -Infinity))).toThrow(
      'sample-0 holds -Infinity at token 1, layer 1',
    );
  });

  it('are refused if their number does not fit', () => {
    const g = randomStates([3, 2], 2, 4);
    expect(() => checkGathered({ ...g, samples: [] })).toThrow(/no samples/);
    expect(() => checkGathered({ ...g, hidden: 5 })).toThrow('sample-0 has 24 elements, expected 3 × 2 × 5');
  });
});
