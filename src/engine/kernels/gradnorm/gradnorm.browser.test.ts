import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPU_TOLERANCE, randomF32, TestBench } from '../shared/gpu.testing';
import { gradNormReference } from '../shared/reference.testing';
import { createGradNorm, type GradNormKernel, gradNormScratch } from './gradnorm';
import { gradNormCpu } from './gradnorm.cpu';

let bench: TestBench;
let kernel: GradNormKernel;
beforeAll(async () => {
  bench = await TestBench.open();
  kernel = await createGradNorm(bench.device);
});
afterAll(() => bench.close());

async function run(grads: Float32Array[], maxNorm: number, guards: Float32Array[] = []) {
  const [buffers, watched] = [grads, guards].map((all) => all.map((g) => bench.input(g)));
  const out = bench.output(4);
  const scratch = bench.output(gradNormScratch(grads.length + guards.length) / 4);
  bench.run((b) => kernel(b, buffers!, out, scratch, maxNorm, watched));
  return bench.read(out);
}

describe('gradient norm on the GPU', () => {
  for (const [sizes, maxNorm] of [
    [[1], 1],
    [[255, 3], 1],
    [[257, 1, 4000], 100],
    [[300_000, 7], Infinity], // more than 64 partial sums
    [Array(300).fill(5), 1e-3], // more than a workgroup adds at once
    [Array(30).fill(4100), 1e-3], // many buffers, two partial sums each
  ] as const) {
    it(`matches the twin for ${sizes.length} buffers of ${sizes[0]}…, limit ${maxNorm}`, async () => {
      const grads = sizes.map((n: number, i: number) => randomF32(n, i + 1));
      const want = gradNormCpu(grads, maxNorm);
      const got = await run(grads, maxNorm);
      for (let i = 0; i < 4; i++) {
        expect(Math.abs((got[i] as number) / (want[i] as number) - 1), `entry ${i}`).toBeLessThan(
          GPU_TOLERANCE,
        );
      }
      expect(await run(grads, maxNorm)).toEqual(got);
    });
  }

  it('is within the gate of float64 where rounding errs to one side, over millions of elements', async () => {
    // Every square is the same, so every addition of it rounds alike.
    const grads = [new Float32Array(3_000_000).fill(0.1), randomF32(70_000, 5)];
    const got = await run(grads, 1);
    gradNormReference(grads, 1).forEach((want, i) => {
      expect(Math.abs((got[i] as number) / want - 1), `entry ${i}`).toBeLessThan(GPU_TOLERANCE);
    });
    expect(await run(grads, 1)).toEqual(got);
  });

  it('flags NaN, Inf and overflow wherever they stand', async () => {
    for (const bad of [Number.NaN, Infinity, -Infinity, 1e30]) {
      const grads = [randomF32(300, 1), randomF32(700, 2)];
      grads[1]![699] = bad;
      expect((await run(grads, 1))[2], `${bad}`).toBe(0);
    }
    expect((await run([randomF32(300, 1)], 1))[2]).toBe(1);
  });

  it('flags a guard that is not finite and sums none', async () => {
    const grads = [randomF32(300, 1), randomF32(7, 2)];
    const alone = await run(grads, 0.5);
    expect(await run(grads, 0.5, [new Float32Array([1e30, 5, 7])])).toEqual(alone);
    for (const bad of [Number.NaN, -Infinity])
      expect((await run(grads, 0.5, [new Float32Array([1, bad])]))[2], `${bad}`).toBe(0);
  });

  it('clips nothing at zero gradient', async () => {
    expect([...(await run([new Float32Array(5)], 1))]).toEqual([0, 1, 1, 0]);
  });
});
