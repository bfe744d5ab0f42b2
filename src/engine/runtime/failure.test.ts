import { describe, expect, it } from 'vitest';
import { Graph } from '../graph/graph';
import * as o from '../graph/ops';
import { runtimeFailure } from './failure';
import { createRuntime } from './runtime';

describe('ONNX Runtime’s messages', () => {
  it.each([
    ['failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc', 'memory', 'HeapError'],
    ['Aborted(OOM). Build with -sASSERTIONS for more info.', 'memory', 'HeapError'],
    ['Array buffer allocation failed', 'memory', 'MemoryError'],
    ['memory access out of bounds', 'memory', 'HeapError'],
    ['SafeIntExceptionHandler<…>::SafeIntOnOverflow() Integer overflow', 'too-large', 'TooLargeError'],
    ['Invalid typed array length: 1099511627776', 'too-large', 'TooLargeError'],
    [
      'Non-zero status code returned while running Gather node. Name: idx=99 out of range',
      'runtime',
      'RuntimeError',
    ],
  ])('%s: %s', (words, code, name) => {
    const cause = new Error(words);
    const error = runtimeFailure('step: the run failed', cause);
    expect(error).toMatchObject({ code, name, cause });
    expect(error.message).toMatch(/^step: the run failed: /);
    // The words for a full heap are no one's but the cause's.
    expect(error.message.includes(words)).toBe(name !== 'HeapError');
    expect(error.message).not.toContain('bad_alloc');
    expect(error.hint.length).toBeGreaterThan(20);
  });

  it('may not come as an error at all', () => {
    expect(runtimeFailure('x', 254852696)).toMatchObject({ code: 'runtime', message: 'x: 254852696' });
  });
});

it('a file of others that it does not take is said to be at fault, not the engine', async () => {
  const runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  const bytes = new Uint8Array(64);
  await expect(runtime.openModelFile({ bytes, files: new Map(), label: 'model.onnx' })).rejects.toMatchObject(
    {
      code: 'runtime',
      message: expect.stringMatching(/^model.onnx was refused by the wasm provider: /),
      hint: expect.stringContaining('another export'),
    },
  );
  await runtime.dispose();
});

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

  it('refuses a tensor that no array can hold, and allocates nothing', async () => {
    const runtime = await createRuntime({ provider: 'wasm', threads: 1 });
    expect(() => runtime.empty('f32', [2 ** 20, 2 ** 20], 'huge')).toThrow(
      expect.objectContaining({
        code: 'too-large',
        message: expect.stringMatching(/tensor "huge" .* takes 4398046511104 bytes of host memory/),
      }),
    );
    expect(runtime.liveTensors).toBe(0);
    await runtime.dispose();
  });
});
