import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, NumericError } from '../../base/errors';
import type { Device } from '../../device/device';
import { TestBench } from '../shared/gpu.testing';
import { sameBits } from '../shared/testing';
import { caseMatrix, GATES } from './cases';
import type { SvdRecorder } from './recorder';
import { createSmall, MAX_SMALL, smallScratch } from './small';
import { KERNELS, svd, svdOnGpu } from './svd';
import { type SvdShape, svdCpu } from './svd.cpu';
import { checkGoldens, checkProperties, type Decompose } from './svd.testing';
import { createThin, MAX_THIN, thinScratch } from './thin';

let bench: TestBench;
beforeAll(async () => {
  bench = await TestBench.open();
});
afterAll(() => bench.close());

type Create = (device: Device, software: boolean) => Promise<SvdRecorder>;
type Scratch = (device: Device, shape: SvdShape, software: boolean) => number;

/** A recorder on buffers full of NaN, its workgroups as on software or on hardware. */
function through(create: Create, scratch: Scratch, software: boolean): Decompose {
  return async (a, shape) => {
    const { batch, rows, cols, r } = shape;
    const k = Math.min(rows, cols);
    const record = await create(bench.device, software);
    const input = bench.input(a);
    const out = {
      sigma: bench.output(batch * k),
      u: bench.output(Math.max(1, batch * rows * r)),
      bad: bench.output(batch),
      scratch: bench.output(scratch(bench.device, shape, software) / 4),
    };
    bench.run((b) => record(b, input, out, shape));
    return {
      sigma: await bench.device.readF32(out.sigma, batch * k),
      u: await bench.device.readF32(out.u, batch * rows * r),
      bad: new Uint32Array(await bench.device.read(out.bad, batch * 4)),
    };
  };
}

const isThin = (m: number, n: number) => Math.min(m, n) <= MAX_THIN;
const isSmall = (m: number, n: number) => !isThin(m, n) && Math.min(m, n) <= MAX_SMALL;

for (const software of [true, false]) {
  describe(`workgroups for ${software ? 'software' : 'hardware'} adapters`, () => {
    describe('thin matrices', () => {
      checkGoldens(through(createThin, thinScratch, software), isThin);
      checkProperties(
        through(createThin, thinScratch, software),
        software
          ? [
              [9, 14],
              [13, 8],
            ]
          : [[8, 5]],
      );
    });

    describe('small matrices', () => {
      // The larger workgroups are slow on a software adapter: a small case of each orientation shows what they do.
      checkGoldens(
        through(createSmall, smallScratch, software),
        (m, n) => isSmall(m, n) && (software || m * n < 6000),
      );
      checkProperties(
        through(createSmall, smallScratch, software),
        software
          ? [
              [12, 9],
              [34, 35],
            ]
          : [[7, 12]],
      );
    });
  });
}

it('leaves the last values of a white square matrix within float32’s resolution of σ₁, the leading ones exact', async () => {
  const [m, r] = [48, 8];
  const a = caseMatrix('white', m, m, 5);
  const want = svdCpu(a, { batch: 1, rows: m, cols: m, r });
  const got = await through(
    createSmall,
    smallScratch,
    bench.device.info.isFallback,
  )(a, {
    batch: 1,
    rows: m,
    cols: m,
    r,
  });
  const top = want.sigma[0] as number;
  got.sigma.forEach((x, i) => {
    const error = Math.abs(x - (want.sigma[i] as number));
    expect(error / top, `σ ${i}`).toBeLessThan(2e-7);
    if (i < r) expect(error / (want.sigma[i] as number), `σ ${i}`).toBeLessThan(GATES.relative);
  });
});

it('splits a long side over many workgroups, either way round', async () => {
  const decompose = through(createThin, thinScratch, bench.device.info.isFallback);
  const a = caseMatrix('offset', 5, 9001, 3);
  const wide = await decompose(a, { batch: 1, rows: 5, cols: 9001, r: 5 });
  const tall = await decompose(
    Float32Array.from(a, (_, i) => a[(i % 5) * 9001 + Math.floor(i / 5)] as number),
    { batch: 1, rows: 9001, cols: 5, r: 5 },
  );
  wide.sigma.forEach((x, i) => {
    expect(Math.abs((tall.sigma[i] as number) / x - 1)).toBeLessThan(1e-6);
  });
});

describe('from host memory', () => {
  it.each([
    ['thin', 9, 14],
    ['small', 34, 40],
  ] as const)('decomposes every %s matrix of a batch as it does alone, to the bit', async (way, m, n) => {
    const [count, r] = [19, 3];
    const each = Array.from({ length: count }, (_, i) => caseMatrix('decay', m, n, i + 1));
    const a = new Float32Array(count * m * n);
    each.forEach((x, i) => {
      a.set(x, i * m * n);
    });
    const all = await svdOnGpu(bench.device, a, { batch: count, rows: m, cols: n, r });
    expect(all.kernel).toBe(KERNELS[way]);
    for (const i of [0, 15, 18]) {
      const alone = await svdOnGpu(bench.device, each[i] as Float32Array, { batch: 1, rows: m, cols: n, r });
      expect(sameBits(all.u.slice(i * m * r, (i + 1) * m * r), alone.u)).toBe(true);
      expect(sameBits(all.sigma.slice(i * m, (i + 1) * m), alone.sigma)).toBe(true);
    }
  });

  it('finds the rank of zero, deficient, constant and identity matrices', async () => {
    const [m, n] = [12, 9];
    const base = caseMatrix('white', m, n, 3);
    const a = new Float32Array(4 * m * n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        a[m * n + i * n + j] = base[(i % 3) * n + j] as number;
        a[2 * m * n + i * n + j] = -0.25;
        a[3 * m * n + i * n + j] = i === j ? 2 : 0;
      }
    }
    const { rank } = await svdOnGpu(bench.device, a, { batch: 4, rows: m, cols: n, r: 0 });
    expect([...rank]).toEqual([0, 3, 1, 9]);
  });

  it('names the matrix with NaN, can be cancelled, gives σ alone, and leaks nothing', async () => {
    const a = caseMatrix('white', 8, 3, 1);
    const before = bench.device.liveBuffers;
    const alone = await svdOnGpu(bench.device, a, { batch: 2, rows: 4, cols: 3, r: 0 });
    expect([alone.sigma.length, alone.u.length]).toEqual([6, 0]);
    for (const bad of [Number.NaN, -Infinity]) {
      const hurt = a.slice();
      hurt[17] = bad;
      const run = svdOnGpu(bench.device, hurt, { batch: 2, rows: 4, cols: 3, r: 1 });
      await expect(run).rejects.toThrow(NumericError);
      await expect(run).rejects.toThrow(/matrix 1/);
    }
    const stopped = svdOnGpu(
      bench.device,
      a,
      { batch: 2, rows: 4, cols: 3, r: 1 },
      { signal: AbortSignal.abort() },
    );
    await expect(stopped).rejects.toThrow(CancelledError);
    expect(bench.device.liveBuffers).toBe(before);
  });

  it('takes the CPU on a software adapter', async () => {
    if (!bench.device.info.isFallback) return;
    const before = bench.device.submits;
    await svd(caseMatrix('white', 4, 3, 1), { batch: 1, rows: 4, cols: 3, r: 1 }, { device: bench.device });
    expect(bench.device.submits).toBe(before);
  });
});
