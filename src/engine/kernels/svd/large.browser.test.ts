import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, NumericError } from '../../base/errors';
import { unpackF32 } from '../shared/golden';
import { TestBench } from '../shared/gpu.testing';
import { caseMatrix, svdErrors } from './cases';
import { svdLanczos } from './lanczos';
import { svdLarge } from './large';
import { type LargeCase, largeCases, largeMatrix, lowered } from './large.testing';
import { KERNELS, MIN_BLOCKED, svd, svdOnGpu } from './svd';

let bench: TestBench;
beforeAll(async () => {
  bench = await TestBench.open();
});
afterAll(() => bench.close());

const errors = (c: LargeCase, sigma: Float32Array, u: Float32Array) => {
  const truth = unpackF32(c.sigma);
  const all = truth.slice();
  all.set(sigma);
  return svdErrors(all, u, truth, unpackF32(c.u), c.m, c.r);
};
const shapeOf = (c: LargeCase) => ({ batch: 1, rows: c.m, cols: c.n, r: c.r });

/**
 * At σ = 1e-3·σ₁ the relative gate of 2e-6 asks for 2e-9·σ₁. Float32 rounding of W leaves about ε·rms(W)·√(updates),
 * which falls as 1/√(mn): below a few hundred rows it is that much at a few values (measured 2.8e-6 on 200×150); from
 * 300×260 on the gate holds as it stands (480×896: 4e-7). `svd` leaves what is smaller to the CPU.
 */
const relativeGate = (c: LargeCase): number => (c.m * c.n < MIN_BLOCKED ? 5e-6 : 2e-6);

describe('blocked bidiagonalisation against float64 LAPACK on the same float32 data', () => {
  for (const c of largeCases) {
    it(`${c.kind} ${c.m}×${c.n}, rank ${Math.min(c.repeat, c.n)}, r = ${c.r}`, async () => {
      const a = largeMatrix(c);
      const checksum = a.reduce((s, x) => s + Math.abs(x), 0);
      expect(Math.abs(checksum / c.checksum - 1), 'the matrix is not the script’s').toBeLessThan(1e-12);
      const { sigma, u, kernel, rank } = await svdOnGpu(bench.device, a, shapeOf(c));
      expect(kernel).toBe(KERNELS.large);
      const e = errors(c, sigma, u);
      expect(e.relative).toBeLessThan(relativeGate(c));
      expect(e.absolute).toBeLessThan(1e-6);
      expect(e.orthogonality).toBeLessThan(5e-6);
      expect(e.angle).toBeLessThan(1);
      if (c.repeat < c.m) expect([...rank]).toEqual([c.repeat]);
    });
  }

  it('does as well with as many threads a sum as a hardware adapter gets', async () => {
    const c = largeCases[1] as LargeCase;
    const { sigma, u } = await svdLarge(bench.device, largeMatrix(c), shapeOf(c), { lanes: 64 });
    const e = errors(c, sigma, u);
    expect(e.relative).toBeLessThan(relativeGate(c));
    expect(e.absolute).toBeLessThan(1e-6);
    expect(e.orthogonality).toBeLessThan(5e-6);
    expect(e.angle).toBeLessThan(1);
  });

  it('takes any shape, from one column on', async () => {
    for (const [m, n] of [
      [1, 1],
      [1, 9],
      [9, 1],
      [6, 5],
      [4, 7],
      [21, 22],
      // More than WebGPU's workgroups along a side.
      [70_001, 1],
    ] as const) {
      const r = Math.min(m, n);
      const a = caseMatrix('white', m, n, m);
      const got = await svdLarge(bench.device, a, { batch: 1, rows: m, cols: n, r });
      const want = await svd(a, { batch: 1, rows: m, cols: n, r });
      const e = svdErrors(got.sigma, got.u, want.sigma, want.u, m, r);
      // White noise of a few entries has values near zero; those are right to ε·σ₁.
      expect([m, n, e.absolute < 1e-6, e.orthogonality < 2e-6]).toEqual([m, n, true, true]);
    }
  });

  it('completes the basis of zeros, and is blind to a power of two up to the ends of float32', async () => {
    const [rows, cols, r] = [12, 9, 5];
    const white = caseMatrix('white', rows, cols, 3);
    const size = rows * cols;
    const a = new Float32Array(4 * size);
    white.forEach((x, i) => {
      a[size + i] = x;
      a[2 * size + i] = x * 2 ** 126;
      a[3 * size + i] = x * 2 ** -110;
    });
    const { sigma, u } = await svdLarge(bench.device, a, { batch: 4, rows, cols, r });
    expect([...sigma.subarray(0, cols)]).toEqual(Array(cols).fill(0));
    const zeros = u.subarray(0, rows * r);
    expect(
      svdErrors(new Float32Array(1), zeros, new Float32Array([1]), zeros, rows, r).orthogonality,
    ).toBeLessThan(2e-6);
    for (let i = 0; i < cols; i++) {
      expect(sigma[2 * cols + i]).toBe((sigma[cols + i] as number) * 2 ** 126);
      expect(sigma[3 * cols + i]).toBe((sigma[cols + i] as number) * 2 ** -110);
    }
    expect([...u.subarray(2 * rows * r, 3 * rows * r)]).toEqual([...u.subarray(rows * r, 2 * rows * r)]);
  });
});

describe('lots', () => {
  const shape = { batch: 3, rows: 131, cols: 129, r: 2 };
  const size = shape.rows * shape.cols;
  const a = new Float32Array(3 * size);
  for (let i = 0; i < 3; i++) a.set(caseMatrix('decay', shape.rows, shape.cols, i + 1), i * size);

  it('gives the same to the bit, whether the adapter holds all matrices at once or one', async () => {
    const all = await svdOnGpu(bench.device, a, shape);
    // `reflectors`, the largest buffer, is 132·129·2 floats a matrix.
    const device = lowered(bench.device, 4 * 132 * 129 * 2 + 1000);
    const progress: number[] = [];
    const before = device.liveBuffers;
    const one = await svdOnGpu(device, a, shape, { onProgress: (p) => progress.push(p) });
    expect(one).toEqual(all);
    expect((await svdOnGpu(bench.device, a, { ...shape, r: 0 })).sigma).toEqual(all.sigma);
    expect(device.liveBuffers).toBe(before);
    expect(progress.filter((p) => [1 / 3, 2 / 3, 1].includes(p)).length).toBe(3);
    expect(progress).toEqual([...progress].sort((x, y) => x - y));
    expect(progress.length).toBeGreaterThan(20);
  });

  it('stops between panels, names the matrix with NaN, and leaks nothing', async () => {
    const before = bench.device.liveBuffers;
    const stop = new AbortController();
    let submits = 0;
    const run = svdOnGpu(bench.device, a, shape, {
      signal: stop.signal,
      onProgress: (p) => {
        if (p < 0.3) return;
        stop.abort();
        submits ||= bench.device.submits;
      },
    });
    await expect(run).rejects.toThrow(CancelledError);
    expect(bench.device.submits - submits).toBe(0);
    const hurt = a.slice();
    hurt[2 * size + 5] = Number.NaN;
    const bad = svdOnGpu(bench.device, hurt, shape);
    await expect(bad).rejects.toThrow(NumericError);
    await expect(bad).rejects.toThrow(/matrix 2/);
    expect(bench.device.liveBuffers).toBe(before);
  });
});

describe('leading values by Lanczos', () => {
  it('meets the same gates, and says how many values it gives', async () => {
    const c = largeCases[5] as LargeCase;
    const progress: number[] = [];
    const got = await svdOnGpu(bench.device, largeMatrix(c), shapeOf(c), {
      want: 'leading',
      onProgress: (p) => progress.push(p),
    });
    expect([got.kernel, got.values, got.sigma.length]).toEqual([KERNELS.lanczos, c.r, c.r]);
    const e = errors(c, got.sigma, got.u);
    expect(e.relative).toBeLessThan(2e-6);
    expect(e.absolute).toBeLessThan(1e-6);
    expect(e.orthogonality).toBeLessThan(5e-6);
    expect(e.angle).toBeLessThan(1);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((x, y) => x - y));
  });

  it('gives way to the reduction where the rank is below its steps', async () => {
    const c = largeCases[4] as LargeCase;
    const before = bench.device.liveBuffers;
    const a = largeMatrix(c);
    expect(await svdLanczos(bench.device, a, shapeOf(c))).toBeUndefined();
    const got = await svdOnGpu(bench.device, a, shapeOf(c), { want: 'leading' });
    expect([got.kernel, got.sigma.length]).toEqual([KERNELS.large, c.r]);
    expect(errors(c, got.sigma, got.u).angle).toBeLessThan(1);
    expect(bench.device.liveBuffers).toBe(before);
  });
});
