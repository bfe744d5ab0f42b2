import { expect, test } from 'vitest';
import type { Device } from '../device/device';
import { loadOrt, runtimeVersion } from './ort';
import { createRuntime } from './runtime';
import { describeRuntime } from './runtime-check';

describeRuntime('WASM', () => createRuntime({ provider: 'wasm' }));

test('the provider and the device must go together', async () => {
  await expect(createRuntime({ provider: 'webgpu' })).rejects.toThrow('the webgpu provider needs a device');
  const device = {} as Device;
  await expect(createRuntime({ provider: 'wasm', device })).rejects.toThrow(
    'the wasm provider takes no device',
  );
});

test('a realm has one number of threads', async () => {
  const runtime = await createRuntime({ provider: 'wasm' });
  expect([1, 2]).toContain(runtime.threads);
  await expect(createRuntime({ provider: 'wasm', threads: 7 })).rejects.toThrow(
    `asked for 7 threads, but onnxruntime already runs with ${runtime.threads} here`,
  );
});

test('the version shown is the one that runs', async () => {
  const { ort } = await loadOrt(undefined);
  expect(ort.env.versions.web).toBe(runtimeVersion);
});
