import { benchKernel } from '../shared/bench.testing';
import { randomF32 } from '../shared/testing';
import { createGradNorm, gradNormScratch } from './gradnorm';
import { gradNormCpu } from './gradnorm.cpu';

benchKernel(
  'gradient norm',
  [
    { buffers: 4, parameters: 25_000 },
    { buffers: 28, parameters: 100_000 },
  ],
  async (bench, { buffers, parameters }) => {
    const kernel = await createGradNorm(bench.device);
    const data = Array.from({ length: buffers }, (_, i) => randomF32(parameters, i + 1));
    const grads = data.map((grad) => bench.input(grad));
    const [out, scratch] = [bench.output(4), bench.output(gradNormScratch(buffers) / 4)];
    return {
      record: (b) => kernel(b, grads, out, scratch, 1),
      outputs: [out],
      cpu: () => [gradNormCpu(data, 1)],
    };
  },
);
