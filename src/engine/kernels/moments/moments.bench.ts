import { benchKernel } from '../shared/bench.testing';
import { randomF32 } from '../shared/testing';
import { createMoments } from './moments';
import { momentsCpu } from './moments.cpu';

benchKernel(
  'moments',
  [
    { batch: 8, rows: 48, rank: 128 },
    { batch: 1, rows: 500, rank: 256 },
  ],
  async (bench, shape) => {
    const kernel = await createMoments(bench.device);
    const { batch, rows, rank } = shape;
    const data = randomF32(batch * rows * rank, 1, 0.5);
    const [g, mu, c] = [bench.input(data), bench.output(batch * rank), bench.output(batch * rank * rank)];
    return {
      record: (b) => kernel(b, g, mu, c, shape),
      outputs: [mu, c],
      cpu() {
        const got = momentsCpu(data, shape);
        return [got.mu, got.c];
      },
    };
  },
);
