import { describe, expect, it } from 'vitest';
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

describe('a WASM heap that is too small', () => {
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
