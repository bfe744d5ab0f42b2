import type { DeviceReport } from '../../../contract/events';
import { CancelledError, DeviceError, type LoriError, throwIfCancelled } from '../../base/errors';
import type { ReadBlob } from '../../checkpoint/source';
import type { Device } from '../../device/device';
import { openDevice } from '../../device/open-device';
import { createHalfUpload } from '../../kernels/convert/convert';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { DeviceModels } from './device-models';

/** What depends on where the engine runs; a worker and Node differ in nothing else. */
export interface Environment {
  /** Where ONNX Runtime's WASM is; undefined in Node, where the package finds it. */
  readonly wasmPaths?: Parameters<typeof createRuntime>[0]['wasmPaths'];
  readonly threads?: number;
  readonly crossOriginIsolated: boolean;
  readonly fetch?: typeof fetch;
  /** Reads files synchronously; without it, checkpoints are read completely when opened. */
  readonly readBlob?: ReadBlob;
  readonly runtimeVersion: string;
  /**
   * Maximum bytes of a teacher's hidden states that a run may hold instead of running the teacher again;
   * default `HELD_STATES_BYTES`.
   */
  readonly heldStatesBytes?: number;
  /** Bytes of the states of all samples that Generate draws at once; default `MAX_STATE_BYTES`. */
  readonly generatedStateBytes?: number;
}

export interface Opened {
  readonly runtime: Runtime;
  readonly models: DeviceModels;
  readonly device: Device | undefined;
  readonly report: DeviceReport;
}

type Wanted = 'auto' | 'webgpu' | 'wasm';

/**
 * Opens the execution provider. `auto` takes WebGPU on a hardware adapter; a software adapter is an order of
 * magnitude slower than WASM. A browser may take long to provide a device, and no call can stop it: once the
 * signal is aborted it is no longer awaited, and closed if it opens after all.
 * @throws DeviceError if `webgpu` is requested and not available  @throws CancelledError at once when it is aborted
 */
export function openProvider(
  wanted: Wanted,
  environment: Environment,
  signal?: AbortSignal,
): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => reject(new CancelledError('opening the device was cancelled'));
    if (signal?.aborted) return abandon();
    signal?.addEventListener('abort', abandon, { once: true });
    open(wanted, environment, signal)
      .then((opened) => (signal?.aborted ? closeProvider(opened) : resolve(opened)))
      .catch(reject)
      .finally(() => signal?.removeEventListener('abort', abandon));
  });
}

/** Frees everything made on a provider, and the provider. */
export async function closeProvider({ models, runtime, device }: Opened): Promise<void> {
  await models.dispose();
  await runtime.dispose();
  device?.destroy();
}

async function open(
  wanted: Wanted,
  environment: Environment,
  signal: AbortSignal | undefined,
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
    // Older browsers do not name it.
    const name = device.info.description || device.info.architecture;
    reason = `The only GPU adapter is a software one${name && ` (${name})`}, which is slower than WASM.`;
    device.destroy();
    device = undefined;
  }
  const runtime = await runtimeOn(device, environment, signal).catch((error: unknown) => {
    device?.destroy();
    throw error;
  });
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

async function runtimeOn(
  device: Device | undefined,
  { wasmPaths, threads }: Environment,
  signal: AbortSignal | undefined,
): Promise<Runtime> {
  throwIfCancelled(signal, 'opening the device');
  const uploadHalves = device && (await createHalfUpload(device));
  return createRuntime({ provider: device ? 'webgpu' : 'wasm', device, uploadHalves, wasmPaths, threads });
}

/** Why WASM has only one thread, and how to get more. */
const whyOneThread = (): string =>
  globalThis.isSecureContext === false
    ? 'The page was opened over plain http from another machine: browsers then give it neither WebGPU nor shared memory, and WASM runs on one thread. Open it over https, or on localhost.'
    : 'The page is not cross-origin isolated, so there is no SharedArrayBuffer and WASM runs on one thread. Serve it with the COOP and COEP headers.';

export const noDevice = (): DeviceError =>
  new DeviceError('no execution provider is open', 'Open the page again, or choose WASM in the Model panel.');
