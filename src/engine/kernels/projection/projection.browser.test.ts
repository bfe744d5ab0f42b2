import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPU_TOLERANCE, randomF32, TestBench } from '../shared/gpu.testing';
import { PROJECTION_RANGE } from '../shared/range.testing';
import { projectionReference, projectionTransposeReference } from '../shared/reference.testing';
import { relativeError } from '../shared/testing';
import { createProjection, type ProjectionKernel } from './projection';
import { projectionCpu, projectionTransposeCpu } from './projection.cpu';

let bench: TestBench;
let kernel: ProjectionKernel;
beforeAll(async () => {
  bench = await TestBench.open();
  kernel = await createProjection(bench.device);
});
afterAll(() => bench.close());

const cases = [
  { batch: 1, rows: 1, layers: 1, hidden: 1, rankL: 1, rankH: 1 },
  { batch: 2, rows: 3, layers: 4, hidden: 33, rankL: 2, rankH: 5 },
  { batch: 3, rows: 2, layers: 3, hidden: 65, rankL: 3, rankH: 32, perSample: true },
  { batch: 1, rows: 2, layers: 36, hidden: 70, rankL: 5, rankH: 67 },
  { batch: 1, rows: 1, layers: 64, hidden: 3, rankL: 64, rankH: 2 },
  { batch: 1, rows: 1, layers: 2, hidden: 2048, rankL: 1, rankH: 3 },
];

describe('projection on the GPU', () => {
  for (const shape of cases) {
    const { batch, rows, layers, hidden, rankL, rankH } = shape;
    const factors = shape.perSample ? batch : 1;
    const uL = randomF32(factors * layers * rankL, 1);
    const uH = randomF32(factors * hidden * rankH, 2);

    it(`matches the twin for ${JSON.stringify(shape)}`, async () => {
      const data = randomF32(batch * rows * layers * hidden, 3);
      const g = bench.output(batch * rows * rankL * rankH);
      const [x, l, h] = [bench.input(data), bench.input(uL), bench.input(uH)];
      bench.run((b) => kernel.project(b, x, l, h, g, shape));
      expect(relativeError(await bench.read(g), projectionCpu(data, uL, uH, shape))).toBeLessThan(
        GPU_TOLERANCE,
      );
    });

    it(`carries the gradient back as the twin for ${JSON.stringify(shape)}`, async () => {
      const data = randomF32(batch * rows * rankL * rankH, 4);
      const dx = bench.output(batch * rows * layers * hidden);
      const [dg, l, h] = [bench.input(data), bench.input(uL), bench.input(uH)];
      bench.run((b) => kernel.transpose(b, dg, l, h, dx, shape));
      const want = projectionTransposeCpu(data, uL, uH, shape);
      expect(relativeError(await bench.read(dx), want)).toBeLessThan(GPU_TOLERANCE);
    });
  }

  for (const shape of PROJECTION_RANGE) {
    it(`is within the gate of float64 for ${JSON.stringify(shape)}, and repeats to the bit`, async () => {
      const { batch, rows, layers, hidden, rankL, rankH } = shape;
      const factors = 'perSample' in shape ? batch : 1;
      const uL = randomF32(factors * layers * rankL, 1);
      const uH = randomF32(factors * hidden * rankH, 2);
      const data = randomF32(batch * rows * layers * hidden, 3, 0.5);
      const cotangent = randomF32(batch * rows * rankL * rankH, 4, 0.5);
      const run = async () => {
        const g = bench.output(cotangent.length);
        const dx = bench.output(data.length);
        const [x, dg, l, h] = [data, cotangent, uL, uH].map((values) => bench.input(values));
        bench.run((b) => {
          kernel.project(b, x!, l!, h!, g, shape);
          kernel.transpose(b, dg!, l!, h!, dx, shape);
        });
        return { g: await bench.read(g), dx: await bench.read(dx) };
      };
      const got = await run();
      expect(relativeError(got.g, projectionReference(data, uL, uH, shape))).toBeLessThan(GPU_TOLERANCE);
      const dx = projectionTransposeReference(cotangent, uL, uH, shape);
      expect(relativeError(got.dx, dx)).toBeLessThan(GPU_TOLERANCE);
      expect(await run()).toEqual(got);
    });
  }

  it('refuses more layers than the shader holds', () => {
    const z = bench.output(1);
    const shape = { batch: 1, rows: 1, layers: 65, hidden: 1, rankL: 1, rankH: 1 };
    expect(() => bench.run((b) => kernel.project(b, z, z, z, z, shape))).toThrow(/65 layers .* at most 64/);
  });
});
