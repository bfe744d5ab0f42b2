import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPU_TOLERANCE, randomF32, TestBench } from '../shared/gpu.testing';
import golden from '../shared/losses.golden.json';
import { MOMENT_LOSS_RANGE, momentLossInputs } from '../shared/range.testing';
import { momentLossReference } from '../shared/reference.testing';
import { relativeError, unpackF32 } from '../shared/testing';
import { createMomentLoss, type MomentLossKernel, momentLossScratch } from './momentloss';
import { type MomentLossShape, type MomentWeights, momentLossCpu } from './momentloss.cpu';

let bench: TestBench;
let kernel: MomentLossKernel;
beforeAll(async () => {
  bench = await TestBench.open();
  kernel = await createMomentLoss(bench.device);
});
afterAll(() => bench.close());

async function run(
  g: Float32Array,
  muT: Float32Array,
  cT: Float32Array,
  shape: MomentLossShape,
  weights: MomentWeights,
) {
  const out = {
    loss: bench.output(shape.batch),
    terms: bench.output(shape.batch * 2),
    dg: bench.output(g.length),
    scratch: bench.output(momentLossScratch(shape) / 4),
  };
  const inputs = [bench.input(g), bench.input(muT), bench.input(cT)] as const;
  bench.run((b) => kernel(b, ...inputs, out, shape, weights));
  return {
    loss: await bench.read(out.loss),
    terms: await bench.read(out.terms),
    dg: await bench.read(out.dg),
  };
}

describe('moment loss on the GPU', () => {
  for (const c of golden.momentloss) {
    it(`matches autograd for ${JSON.stringify(c.shape)}`, async () => {
      const got = await run(unpackF32(c.g), unpackF32(c.muT), unpackF32(c.cT), c.shape, c.weights);
      expect(relativeError(got.loss, unpackF32(c.loss))).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.terms, unpackF32(c.terms))).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.dg, unpackF32(c.dg))).toBeLessThan(GPU_TOLERANCE);
    });
  }

  for (const [batch, steps, rank] of [
    [1, 1, 65],
    [3, 5, 64],
    [2, 17, 130], // more latent steps than a thread holds at once, more than two tiles
    [67, 2, 3], // more samples than a workgroup adds
  ] as const) {
    it(`matches the twin for B ${batch}, K ${steps}, R ${rank}, and repeats to the bit`, async () => {
      const shape = { batch, steps, rank };
      const g = randomF32(batch * steps * rank, 1, 0.4);
      const muT = randomF32(batch * rank, 2);
      const cT = randomF32(batch * rank * rank, 3);
      // A covariance is symmetric.
      for (let b = 0; b < batch; b++) {
        for (let i = 0; i < rank; i++) {
          for (let j = 0; j < i; j++) cT[(b * rank + i) * rank + j] = cT[(b * rank + j) * rank + i] as number;
        }
      }
      const weights = { mu: 0.3, c: 2 };
      const want = momentLossCpu(g, muT, cT, shape, weights);
      const got = await run(g, muT, cT, shape, weights);
      expect(relativeError(got.loss, want.loss)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.terms, want.terms)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.dg, want.dg)).toBeLessThan(GPU_TOLERANCE);
      expect(await run(g, muT, cT, shape, weights)).toEqual(got);
    });
  }

  for (const shape of MOMENT_LOSS_RANGE) {
    it(`is within the gate of float64 for ${JSON.stringify(shape)}, and repeats to the bit`, async () => {
      const inputs = momentLossInputs(shape);
      const want = momentLossReference(...inputs);
      const got = await run(...inputs);
      expect(relativeError(got.loss, want.loss)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.terms, want.terms)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.dg, want.dg)).toBeLessThan(GPU_TOLERANCE);
      expect(await run(...inputs)).toEqual(got);
    });
  }

  it('keeps NaN to its sample', async () => {
    const g = randomF32(2 * 2 * 3, 8);
    g[0] = Number.NaN;
    const got = await run(
      g,
      randomF32(6, 1),
      randomF32(18, 2),
      { batch: 2, steps: 2, rank: 3 },
      { mu: 1, c: 1 },
    );
    expect(got.loss[0]).toBeNaN();
    expect(got.loss[1]).toBeGreaterThan(0);
  });
});
