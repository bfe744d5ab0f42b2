import { describe, expect, it } from 'vitest';
import { Graph } from '../graph/graph';
import * as o from '../graph/ops';
import { createRuntime } from './runtime';

/** exp(a + b) of a column and a row of n: [n, n], which only the run holds. */
const square = (n: number) => {
  const g = new Graph();
  const sum = o.add(g.input('a', [n, 1]), g.input('b', [1, n]));
  return { name: 'square', outputs: { y: o.reduceSum(o.exp(sum)) } };
};

describe('a WASM heap that is too small', () => {
  it.each([
    // 4.28 GB: addressable in 32 bits, but more than is left of 4 GiB. None of it is ever touched.
    [32_700, 'memory', /^square: the run failed: WebAssembly has no memory left$/],
    // 14 GB: past 32 bits.
    [60_000, 'too-large', /square: the run failed: a tensor is larger than can be addressed/],
  ])('n = %i is %s, with a hint, and the runtime stays usable', async (n, code, message) => {
    const runtime = await createRuntime({ provider: 'wasm', threads: 1 });
    const executable = await runtime.compile(square(n));
    const inputs = { a: runtime.empty('f32', [n, 1]), b: runtime.empty('f32', [1, n]) };
    const failed = executable.run(inputs);
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toMatchObject({
      code,
      hint: expect.stringContaining('Lower the batch size'),
    });
    expect(runtime.liveTensors).toBe(2);
    const small = await runtime.compile(square(2));
    const { y } = await small.run({ a: runtime.empty('f32', [2, 1]), b: runtime.empty('f32', [1, 2]) });
    expect(await y?.read()).toEqual(Float32Array.of(4));
    await runtime.dispose();
  });
});
