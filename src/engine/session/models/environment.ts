import type { DeviceReport } from '../../../contract/events';
import { DeviceError, type LoriError } from '../../base/errors';
import { type Device, openDevice } from '../../device/device';
import { createHalfUpload } from '../../kernels/convert/convert';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { DeviceModels } from './device-models';

/** What the environment give the engine: a worker and Node differ in nothing else. */
export interface Environment {
  /** Where ONNX Runtime's WASM lies; undefined in Node, where the package knows. */
  readonly wasmPaths?: Parameters<typeof createRuntime>[0]['wasmPaths'];
  readonly threads?: number;
  readonly crossOriginIsolated: boolean;
  readonly fetch?: typeof fetch;
  /** ExclusiveQueue a models folder into an address `fetch` takes. */
  readonly runtimeVersion: string;
}

export interface Opened {
  readonly runtime: Runtime;
  readonly models: DeviceModels;
  readonly device: Device | undefined;
  readonly report: DeviceReport;
}

/**
 * Opens the execution provider. `auto` takes WebGPU on a hardware adapter; a software adapter is slower than WASM by an
 * order of magnitude. @throws DeviceError when `webgpu` is asked for and cannot be had
 */
export async function openProvider(
  wanted: 'auto' | 'webgpu' | 'wasm',
  environment: Environment,
): Promise<Opened> {
  let device: Device | undefined;
  let reason = wanted === 'wasm' ? 'WASM was chosen.' : '';
  if (wanted !== 'wasm') {
    try {
      device = await openDevice();
    } catch (error) {
      if (wanted === 'webgpu') throw error;
      reason = (error as LoriError).message;
    }
  }
  const adapter = device && {
    vendor: device.info.vendor,
    architecture: device.info.architecture,
    description: device.info.description,
    software: device.info.isFallback,
  };
  if (wanted === 'auto' && device?.info.isFallback) {
    reason = `The only GPU adapter is a software one (${device.info.description || device.info.architecture}), which is slower than WASM.`;
    device.destroy();
    device = undefined;
  }
  const { wasmPaths, threads } = environment;
  const uploadHalves = device && (await createHalfUpload(device));
  const provider = device ? 'webgpu' : 'wasm';
  const runtime = await createRuntime({ provider, device, uploadHalves, wasmPaths, threads });
  if (!environment.crossOriginIsolated && !device)
    reason +=
      ' The page is not cross-origin isolated, so that there is no SharedArrayBuffer: WASM runs on one thread. Serve it with the COOP and COEP headers.';
  return {
    runtime,
    models: new DeviceModels(runtime),
    device,
    report: {
      provider: runtime.provider,
      reason: reason.trim(),
      adapter: adapter ?? null,
      threads: runtime.threads,
      crossOriginIsolated: environment.crossOriginIsolated,
      runtimeVersion: environment.runtimeVersion,
    },
  };
}

export const noDevice = (): DeviceError =>
  new DeviceError('no execution provider is open', 'Open the page again, or choose WASM in the Model panel.');
