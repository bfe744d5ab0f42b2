import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPU_TOLERANCE, randomF32, TestBench } from '../shared/gpu.testing';
import golden from '../shared/losses.golden.json';
import { ANCHOR_LOSS_RANGE } from '../shared/range.testing';
import { anchorLossReference } from '../shared/reference.testing';
import { relativeError, unpackF32 } from '../shared/testing';
import { type AnchorLossKernel, createAnchorLoss } from './anchorloss';
import type { AnchorLossShape } from './anchorloss.cpu';

let bench: TestBench;
let kernel: AnchorLossKernel;
beforeAll(async () => {
  bench = await TestBench.open();
  kernel = await createAnchorLoss(bench.device);
});
afterAll(() => bench.close());

type Inputs = readonly [Float32Array, Float32Array, Float32Array, Float32Array];

async function run(inputs: Inputs, shape: AnchorLossShape) {
  const out = {
    loss: bench.output(shape.batch),
    dh: bench.output(shape.batch * shape.layers * shape.hidden),
    scratch: bench.output(shape.batch * shape.layers),
  };
  const [h, target, uH, scale] = inputs.map((x) => bench.input(x));
  bench.run((b) => kernel(b, h!, target!, uH!, scale!, out, shape));
  return { loss: await bench.read(out.loss), dh: await bench.read(out.dh) };
}

describe('anchor loss on the GPU', () => {
  for (const c of golden.anchorloss) {
    it(`matches autograd for ${JSON.stringify(c.shape)}`, async () => {
      const inputs = [unpackF32(c.h), unpackF32(c.target), unpackF32(c.uH), unpackF32(c.layerScale)] as const;
      const got = await run(inputs, c.shape);
      expect(relativeError(got.loss, unpackF32(c.loss))).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.dh, unpackF32(c.dh))).toBeLessThan(GPU_TOLERANCE);
    });
  }

  for (const shape of [{ batch: 2, layers: 5, hidden: 64, rank: 65 }, ...ANCHOR_LOSS_RANGE]) {
    it(`is within the gate of float64 for ${JSON.stringify(shape)}, and repeats to the bit`, async () => {
      const { batch, layers, hidden, rank } = shape;
      const inputs = [
        randomF32(batch * layers * hidden, 1),
        randomF32(batch * layers * rank, 2, 1),
        randomF32(hidden * rank, 3),
        randomF32(layers, 4).map((x) => Math.abs(x) + 0.5),
      ] as const;
      const want = anchorLossReference(...inputs, shape);
      const got = await run(inputs, shape);
      expect(relativeError(got.loss, want.loss)).toBeLessThan(GPU_TOLERANCE);
      expect(relativeError(got.dh, want.dh)).toBeLessThan(GPU_TOLERANCE);
      expect(await run(inputs, shape)).toEqual(got);
    });
  }
});
