import { benchKernel } from '../shared/bench.testing';
import { randomF32 } from '../shared/testing';
import { createProjection } from './projection';
import { projectionCpu, projectionTransposeCpu } from './projection.cpu';

benchKernel(
  'projection and its transpose',
  [
    { batch: 8, rows: 4, layers: 4, hidden: 128, rankL: 4, rankH: 32 },
    { batch: 2, rows: 5, layers: 28, hidden: 1536, rankL: 4, rankH: 32 },
  ],
  async (bench, shape) => {
    const kernel = await createProjection(bench.device);
    const { batch, rows, layers, hidden, rankL, rankH } = shape;
    const data = {
      x: randomF32(batch * rows * layers * hidden, 1),
      uL: randomF32(layers * rankL, 2),
      uH: randomF32(hidden * rankH, 3),
      dg: randomF32(batch * rows * rankL * rankH, 4),
    };
    const [x, uL, uH, dg] = [
      bench.input(data.x),
      bench.input(data.uL),
      bench.input(data.uH),
      bench.input(data.dg),
    ];
    const [g, dx] = [bench.output(data.dg.length), bench.output(data.x.length)];
    return {
      record(b) {
        kernel.project(b, x, uL, uH, g, shape);
        kernel.transpose(b, dg, uL, uH, dx, shape);
      },
      outputs: [g, dx],
      cpu: () => [
        projectionCpu(data.x, data.uL, data.uH, shape),
        projectionTransposeCpu(data.dg, data.uL, data.uH, shape),
      ],
    };
  },
);
