import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPU_TOLERANCE, randomF32, TestBench } from '../shared/gpu.testing';
import golden from '../shared/losses.golden.json';
import { adamWReference } from '../shared/reference.testing';
import { relativeError, unpackF32 } from '../shared/testing';
import { type AdamWKernel, createAdamW } from './adamw';
import { adamWCpu } from './adamw.cpu';

let bench: TestBench;
let kernel: AdamWKernel;
beforeAll(async () => {
  bench = await TestBench.open();
  kernel = await createAdamW(bench.device);
});
afterAll(() => bench.close());

const settings = { lr: 3e-3, beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.1 };

describe('AdamW on the GPU', () => {
  it('follows torch.optim.AdamW with clipping, without a read-back', async () => {
    for (const c of golden.adamw) {
      const length = c.first + c.second;
      const param = bench.input(unpackF32(c.param));
      const m = bench.input(new Float32Array(length));
      const v = bench.input(new Float32Array(length));
      const before = bench.device.readBacks;
      c.grads.forEach((packed, i) => {
        const clip = Math.min(1, c.maxNorm / ((c.norms[i] as number) + 1e-6));
        const [grad, norm] = [bench.input(unpackF32(packed)), bench.input(new Float32Array([0, clip, 1, 0]))];
        bench.run((b) => kernel(b, param, grad, m, v, norm, length, { ...c.settings, step: i + 1 }));
      });
      expect(bench.device.readBacks).toBe(before);
      expect(relativeError(await bench.read(param), unpackF32(c.paramAfter))).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(await bench.read(m), unpackF32(c.mAfter))).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(await bench.read(v), unpackF32(c.vAfter))).toBeLessThan(GPU_TOLERANCE);
    }
  });

  it('matches the twin at lengths around a workgroup, and leaves what lies behind alone', async () => {
    for (const count of [1, 255, 256, 257, 1000]) {
      const host = [1, 2, 3, 4].map((seed) => randomF32(count + 3, seed));
      host[3] = host[3]!.map(Math.abs); // second moments
      const [param, grad, m, v] = host.map((x) => bench.input(x));
      const norm = new Float32Array([2, 0.5, 1, 4]);
      const onDevice = bench.input(norm);
      bench.run((b) => kernel(b, param!, grad!, m!, v!, onDevice, count, { ...settings, step: 7 }));
      const parts = host.map((x) => x.subarray(0, count));
      adamWCpu(parts[0]!, parts[1]!, parts[2]!, parts[3]!, norm, { ...settings, step: 7 });
      expect(relativeError(await bench.read(param!), host[0]!)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(await bench.read(m!), host[2]!)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(await bench.read(v!), host[3]!)).toBeLessThan(GPU_TOLERANCE);
    }
  });

  it('is within the gate of float64 over small and large values and late steps, and repeats to the bit', async () => {
    const norm = new Float32Array([2, 0.25, 1, 4]);
    for (const [size, step] of [
      [1, 1],
      [1e-6, 3],
      [1e4, 2000],
    ] as const) {
      const host = [1, 2, 3, 4].map((seed) => randomF32(300, seed).map((x) => x * (seed > 1 ? size : 1)));
      host[3] = host[3]!.map((x) => x * x);
      const run = async () => {
        const [param, grad, m, v, n] = [...host, norm].map((x) => bench.input(x));
        bench.run((b) => kernel(b, param!, grad!, m!, v!, n!, 300, { ...settings, step }));
        return { param: await bench.read(param!), m: await bench.read(m!), v: await bench.read(v!) };
      };
      const [param, grad, m, v] = host;
      const want = adamWReference([param!, grad!, m!, v!], 0.25, { ...settings, step });
      const got = await run();
      expect(relativeError(got.param, want.param), `size ${size}`).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.m, want.m), `size ${size}`).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.v, want.v), `size ${size}`).toBeLessThan(GPU_TOLERANCE);
      // What one step changes, not hidden behind the parameter's size: it is stored in float32.
      const moved = (x: ArrayLike<number>) => Array.from(x, (value, i) => value - (param![i] as number));
      expect(relativeError(moved(got.param), moved(want.param)), `size ${size}`).toBeLessThan(1e-4);
      expect(await run()).toEqual(got);
    }
  });

  it('touches nothing where the norm is flagged', async () => {
    const host = [1, 2, 3, 4].map((seed) => randomF32(70, seed));
    host[1]!.fill(Number.NaN);
    const [param, grad, m, v] = host.map((x) => bench.input(x));
    const norm = bench.input(new Float32Array([Number.NaN, Number.NaN, 0, Number.NaN]));
    bench.run((b) => kernel(b, param!, grad!, m!, v!, norm, 70, { ...settings, step: 1 }));
    expect(await bench.read(param!)).toEqual(host[0]);
    expect(await bench.read(m!)).toEqual(host[2]);
    expect(await bench.read(v!)).toEqual(host[3]);
  });
});
