import type { DeviceReport } from '../../../contract/events';
import { DeviceError, type LoriError } from '../../base/errors';
import type { ReadBlob } from '../../checkpoint/source';
import { type Device, openDevice } from '../../device/device';
import { createHalfUpload } from '../../kernels/convert/convert';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { DeviceModels } from './device-models';

/** What depends on where the engine runs; a worker and Node differ in nothing else. */
export interface Environment {
  /** Where ONNX Runtime's WASM is; undefined in Node, where the package knows. */
  readonly wasmPaths?: Parameters<typeof createRuntime>[0]['wasmPaths'];
  readonly threads?: number;
  readonly crossOriginIsolated: boolean;
  readonly fetch?: typeof fetch;
  /** Reads files at once; without it, checkpoints are read whole when they are opened. */
  readonly readBlob?: ReadBlob;
  readonly runtimeVersion: string;
}

export interface Opened {
  readonly runtime: Runtime;
  readonly models: DeviceModels;
  readonly device: Device | undefined;
  readonly report: DeviceReport;
}

/**
 * Opens the execution provider. `auto` takes WebGPU on a hardware adapter; a software adapter is an order of magnitude
 * slower than WASM. @throws DeviceError if `webgpu` is requested and not available
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
      const { message } = error as LoriError;
      reason = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
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
  const runtime = await createRuntime({ provider, device, uploadHalves, wasmPaths, threads }).catch(
    (error: unknown) => {
      device?.destroy();
      throw error;
    },
  );
  if (!environment.crossOriginIsolated && !device) reason += ` ${whyOneThread()}`;
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

/** Why WASM has only one thread, and how to get more. */
const whyOneThread = (): string =>
  globalThis.isSecureContext === false
    ? 'The page was opened over plain http from another machine: browsers then give it neither WebGPU nor shared memory, and WASM runs on one thread. Open it over https, or on localhost.'
    : 'The page is not cross-origin isolated, so there is no SharedArrayBuffer and WASM runs on one thread. Serve it with the COOP and COEP headers.';

export const noDevice = (): DeviceError =>
  new DeviceError('no execution provider is open', 'Open the page again, or choose WASM in the Model panel.');
