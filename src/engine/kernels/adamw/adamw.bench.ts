import { benchKernel } from '../shared/bench.testing';
import { randomF32 } from '../shared/testing';
import { createAdamW } from './adamw';
import { adamWCpu } from './adamw.cpu';

const SETTINGS = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, step: 7 };

benchKernel('AdamW', [{ parameters: 100_000 }, { parameters: 2_000_000 }], async (bench, { parameters }) => {
  const kernel = await createAdamW(bench.device);
  const [param, grad, m] = [1, 2, 3].map((seed) => randomF32(parameters, seed)) as [
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
  ];
  const v = m.map((x) => x * x);
  const norm = new Float32Array([2, 0.5, 1, 4]);
  const on = {
    param: bench.input(param),
    grad: bench.input(grad),
    m: bench.input(m),
    v: bench.input(v),
    norm: bench.input(norm),
  };
  return {
    record: (b) => kernel(b, on.param, on.grad, on.m, on.v, on.norm, parameters, SETTINGS),
    outputs: [on.param, on.m, on.v],
    cpu() {
      adamWCpu(param, grad, m, v, norm, SETTINGS);
      return [param, m, v];
    },
  };
});
