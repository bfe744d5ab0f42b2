import { expect, test } from 'vitest';
import { Graph } from '../graph/graph';
import * as o from '../graph/ops';
import { createRuntime } from './runtime';
test('smoke', async () => {
  const r = await createRuntime({ provider: 'wasm' });
  console.log(r.threads);
  const g = new Graph();
  const x = g.input('x', [2, 3]);
  const w = g.input('w', [4, 3]);
  const y = o.silu(o.matmul(x, w, { transB: true }));
  const e = await r.compile({ name: 'p', outputs: { y, x2: o.square(x), x } });
  const X = r.upload({ dtype: 'f32', shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) });
  const W = r.upload({ dtype: 'f32', shape: [4, 3], data: new Float32Array(12).fill(0.5) });
  const out = await e.run({ x: X, w: W });
  console.log(out.y!.data, out.x2!.data, out.x!.data);
  expect(out.y!.data[0]).toBeCloseTo(3 / (1 + Math.exp(-3)));
  await r.dispose();
});
