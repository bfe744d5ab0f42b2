import { toBf16 } from '../../base/half';
import { benchKernel } from '../shared/bench.testing';
import { randomF32 } from '../shared/testing';
import { createConvert } from './convert';
import { convertCpu } from './convert.cpu';

benchKernel('bf16 to f32', [{ values: 100_000 }, { values: 4_000_000 }], async (bench, { values }) => {
  const kernel = await createConvert(bench.device);
  const bits = new Uint32Array(randomF32(values, 1).buffer);
  const words = new Uint32Array(Uint16Array.from(bits, toBf16).buffer);
  const [from, to] = [bench.input(words), bench.output(values)];
  return {
    record: (b) => kernel(b, from, to, values, 'bf16 to f32'),
    outputs: [to],
    cpu: () => [new Float32Array(convertCpu(words, values, 'bf16 to f32').buffer)],
  };
});
