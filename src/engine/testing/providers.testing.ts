import { afterAll, beforeAll } from 'vitest';
import type { Device } from '../device/device';
import { openDevice } from '../device/open-device';
import { createHalfUpload } from '../kernels/convert/convert';
import { wasmPaths } from '../runtime/assets';
import { createRuntime, type Runtime } from '../runtime/runtime';

interface WebgpuProvider {
  readonly device: Device;
  readonly gpu: Runtime;
}
interface Providers extends WebgpuProvider {
  readonly cpu: Runtime;
}

/** A runtime on WebGPU, opened before the tests of the caller's block and disposed of after them; empty until then. */
export function webgpuProvider(): WebgpuProvider {
  const opened: { -readonly [K in keyof WebgpuProvider]?: WebgpuProvider[K] } = {};
  beforeAll(async () => {
    const device = await openDevice();
    opened.device = device;
    const uploadHalves = await createHalfUpload(device);
    opened.gpu = await createRuntime({ provider: 'webgpu', device, uploadHalves, wasmPaths });
  });
  afterAll(async () => {
    await opened.gpu?.dispose();
    opened.device?.destroy();
  });
  return opened as WebgpuProvider;
}

/** The same, with one on WASM beside it. */
export function bothProviders(): Providers {
  const opened: WebgpuProvider & { cpu?: Runtime } = webgpuProvider();
  beforeAll(async () => {
    opened.cpu = await createRuntime({ provider: 'wasm', wasmPaths });
  });
  afterAll(() => opened.cpu?.dispose());
  return opened as Providers;
}
