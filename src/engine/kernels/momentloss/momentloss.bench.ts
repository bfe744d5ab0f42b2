import { benchKernel } from '../shared/bench.testing';
import { randomF32 } from '../shared/testing';
import { createMomentLoss, momentLossScratch } from './momentloss';
import { momentLossCpu } from './momentloss.cpu';

benchKernel(
  'moment loss and its gradient',
  [
    { batch: 8, steps: 4, rank: 128 },
    { batch: 8, steps: 32, rank: 512 },
  ],
  async (bench, shape) => {
    const kernel = await createMomentLoss(bench.device);
    const { batch, steps, rank } = shape;
    const data = [
      randomF32(batch * steps * rank, 1, 0.4),
      randomF32(batch * rank, 2),
      randomF32(batch * rank * rank, 3),
    ] as const;
    // A covariance is symmetric.
    for (let b = 0; b < batch; b++)
      for (let i = 0; i < rank; i++)
        for (let j = 0; j < i; j++)
          data[2][(b * rank + i) * rank + j] = data[2][(b * rank + j) * rank + i] as number;
    const [g, muT, cT] = [bench.input(data[0]), bench.input(data[1]), bench.input(data[2])];
    const out = {
      loss: bench.output(batch),
      terms: bench.output(2 * batch),
      dg: bench.output(data[0].length),
      scratch: bench.output(momentLossScratch(shape) / 4),
    };
    const weights = { mu: 0.3, c: 2 };
    return {
      record: (b) => kernel(b, g, muT, cT, out, shape, weights),
      outputs: [out.loss, out.dg],
      cpu() {
        const got = momentLossCpu(...data, shape, weights);
        return [got.loss, got.dg];
      },
    };
  },
);
