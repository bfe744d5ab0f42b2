import { benchKernel } from '../shared/bench.testing';
import { randomF32 } from '../shared/testing';
import { createAnchorLoss } from './anchorloss';
import { anchorLossCpu } from './anchorloss.cpu';

benchKernel(
  'anchor loss and its gradient',
  [
    { batch: 8, layers: 4, hidden: 128, rank: 32 },
    { batch: 8, layers: 28, hidden: 1536, rank: 64 },
  ],
  async (bench, shape) => {
    const kernel = await createAnchorLoss(bench.device);
    const { batch, layers, hidden, rank } = shape;
    const data = [
      randomF32(batch * layers * hidden, 1),
      randomF32(batch * layers * rank, 2, 1),
      randomF32(hidden * rank, 3),
      randomF32(layers, 4).map((x) => Math.abs(x) + 0.5),
    ] as const;
    const [h, target, uH, scale] = [
      bench.input(data[0]),
      bench.input(data[1]),
      bench.input(data[2]),
      bench.input(data[3]),
    ];
    const out = {
      loss: bench.output(batch),
      dh: bench.output(data[0].length),
      scratch: bench.output(batch * layers),
    };
    return {
      record: (b) => kernel(b, h, target, uH, scale, out, shape),
      outputs: [out.loss, out.dh],
      cpu() {
        const got = anchorLossCpu(...data, shape);
        return [got.loss, got.dh];
      },
    };
  },
);
