import { expect, test } from 'vitest';
import { Rng } from '../base/rng';
import { sizeOf } from '../base/shape';
import type { Device } from '../device/device';
import { Graph } from '../graph/graph';
import * as o from '../graph/ops';
import { heapBytes } from './heap';
import { loadOrt, runtimeVersion } from './ort';
import { createRuntime } from './runtime';
import { describeRuntime } from './runtime.testing';

describeRuntime('WASM', () => createRuntime({ provider: 'wasm' }));

test('requires a device for WebGPU and none for WASM', async () => {
  await expect(createRuntime({ provider: 'webgpu' })).rejects.toThrow('the webgpu provider needs a device');
  const device = {} as Device;
  await expect(createRuntime({ provider: 'wasm', device })).rejects.toThrow(
    'the wasm provider takes no device',
  );
});

test('reports how much memory ONNX Runtime has taken', async () => {
  const { Memory } = WebAssembly;
  await createRuntime({ provider: 'wasm' });
  // Pages of 64 KB: 17 MB without a model, and what the tests before this one needed.
  expect(heapBytes() % 2 ** 16).toBe(0);
  expect(heapBytes()).toBeGreaterThan(10e6);
  expect(heapBytes()).toBeLessThan(1e9);
  expect(WebAssembly.Memory).toBe(Memory);
});

test('disposing of a program waits until ONNX Runtime has released its session', async () => {
  const runtime = await createRuntime({ provider: 'wasm' });
  const program = await runtime.compile({
    name: 'waits',
    outputs: { y: o.neg(new Graph().input('x', [2])) },
  });
  const { session } = program as unknown as { session: { release(): Promise<void> } };
  const release = session.release.bind(session);
  let isReleased = false;
  session.release = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await release();
    isReleased = true;
  };
  await program.dispose();
  expect(isReleased).toBe(true);
});

test('keeps one number of threads per realm', async () => {
  const runtime = await createRuntime({ provider: 'wasm' });
  expect([1, 2]).toContain(runtime.threads);
  await expect(createRuntime({ provider: 'wasm', threads: 7 })).rejects.toThrow(
    `asked for 7 threads, but onnxruntime already runs with ${runtime.threads} here`,
  );
});

test('reports the version that runs', async () => {
  const { ort } = await loadOrt(undefined);
  expect(ort.env.versions.web).toBe(runtimeVersion);
});

test('repeats a run to the bit, even in another session', async () => {
  const runtime = await createRuntime({ provider: 'wasm' });
  const g = new Graph();
  const [a, b] = [g.input('a', [67, 301]), g.input('b', [301, 45])];
  const program = { name: 'product', outputs: { y: o.softmax(o.matmul(a, b)) } };
  const rng = new Rng(3);
  const draw = (shape: readonly number[]) =>
    runtime.upload({
      dtype: 'f32',
      shape,
      data: Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()),
    });
  const inputs = { a: draw([67, 301]), b: draw([301, 45]) };
  const values: unknown[] = [];
  for (let session = 0; session < 3; session++) {
    const executable = await runtime.compile(program);
    for (let run = 0; run < 3; run++) values.push(await (await executable.run(inputs)).y?.read());
    executable.dispose();
  }
  for (const value of values) expect(value).toEqual(values[0]);
  await runtime.dispose();
});
