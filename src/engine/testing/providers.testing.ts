import { afterAll, beforeAll } from 'vitest';
import { type Device, openDevice } from '../device/device';
import { wasmPaths } from '../runtime/assets';
import { createRuntime, type Runtime } from '../runtime/runtime';

/** Runtimes on WebGPU and on WASM. */
interface Providers {
  readonly device: Device;
  readonly gpu: Runtime;
  readonly cpu: Runtime;
}

/** Opened before the tests of the calling file and disposed of after them; empty until then. */
export function bothProviders(): Providers {
  const opened: { -readonly [K in keyof Providers]?: Providers[K] } = {};
  beforeAll(async () => {
    const device = await openDevice();
    opened.device = device;
    opened.gpu = await createRuntime({ provider: 'webgpu', device, wasmPaths });
    opened.cpu = await createRuntime({ provider: 'wasm', wasmPaths });
  });
  afterAll(async () => {
    await opened.gpu?.dispose();
    await opened.cpu?.dispose();
    opened.device?.destroy();
  });
  return opened as Providers;
}
