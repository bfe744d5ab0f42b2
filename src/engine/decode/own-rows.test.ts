import { expect, it } from 'vitest';
import { createRuntime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { ownOutput, stateBindings, withOwnRows } from './own-rows';

const shape = [2, 2, 3, 2];
const binding = (of: readonly number[]) => ({ dtype: 'f32' as const, shape: of });
const program = {
  inputs: new Map([
    ['k.0', binding(shape)],
    ['mask', binding([2, 1, 1, 3])],
  ]),
  outputs: new Map([
    ['last', binding([2, 4])],
    [ownOutput('k.0'), binding([2, 2, 1, 2])],
  ]),
};
const counting = (from: number, n: number) => Float32Array.from({ length: n }, (_, i) => from + i);

it('a step’s own rows become copies of the past with them at their column, in a tensor used before or a new one', async () => {
  const runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  const f32 = (of: readonly number[], data: Float32Array<ArrayBuffer>) =>
    runtime.upload({ dtype: 'f32', shape: of, data });
  expect([...stateBindings(program)]).toEqual([
    ['last', binding([2, 4])],
    ['k.0', binding(shape)],
  ]);

  const past = f32(shape, counting(1, 24));
  const want = counting(1, 24);
  for (let row = 0; row < 4; row++) want.set([100 + 2 * row, 101 + 2 * row], row * 6 + 2);
  const used: Record<string, DeviceTensor> = { 'k.0': f32(shape, new Float32Array(24).fill(Number.NaN)) };
  for (const spare of [used, {}]) {
    const last = f32([2, 4], counting(0, 8));
    const own = f32([2, 2, 1, 2], counting(100, 8));
    const outputs = { last, [ownOutput('k.0')]: own };
    const made = withOwnRows({ program, inputs: { 'k.0': past }, outputs, spare, runtime, column: 1 });
    expect(Object.keys(made).sort()).toEqual(['k.0', 'last']);
    expect(made.last).toBe(last);
    expect(made['k.0']?.data).toEqual(want);
    if (spare['k.0']) expect(made['k.0']).toBe(spare['k.0']);
    expect(own.disposed).toBe(true);
  }
  // The state before may be gone on with.
  expect(past.data).toEqual(counting(1, 24));
  await runtime.dispose();
});
