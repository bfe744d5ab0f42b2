import { expect, it } from 'vitest';
import { Rng } from '../../../base/rng';
import { Graph } from '../../../graph/graph';
import { createRuntime } from '../../../runtime/runtime';
import type { DeviceTensor } from '../../../runtime/tensor';
import { total } from './total';

// A covariance of a rank-one difference in a batch of 8; summed at once it is off by 1.7e-4 at R 256 and by 6e-4 at 512.
it.each([
  [8, 256, 256],
  [3, 512, 512],
  [7, 33, 1],
])('adds %i × %i × %i values as float64 does', async (...shape) => {
  const runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  const [, R, C] = shape;
  const rng = new Rng(3);
  const v = Float32Array.from({ length: Math.max(R, C) }, () => Math.exp(2 * rng.normal()));
  const data = Float32Array.from(
    { length: shape.reduce((n, d) => n * d, 1) },
    (_, i) => (v[i % C] as number) * (v[Math.floor(i / C) % R] as number),
  );
  const x = new Graph().input('x', shape);
  const program = await runtime.compile({ name: 'total', outputs: { sum: total(x) } });
  const fed = runtime.upload({ dtype: 'f32', shape, data }, 'x');
  const { sum } = await program.run({ x: fed });
  const exact = data.reduce((before, value) => before + value, 0);
  const [value] = (await (sum as DeviceTensor).read()) as Float32Array;
  expect(Math.abs((value as number) / exact - 1)).toBeLessThan(2e-6);
  await runtime.dispose();
});
