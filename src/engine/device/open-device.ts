import { DeviceError, LostDeviceError } from '../base/errors';
import { ADAPTER_MS, answered, DEVICE_MS, infoOf, RESTART_MS, RETRY_MS } from './adapter';
import { Device } from './device';

export interface OpenOptions {
  readonly powerPreference?: GPUPowerPreference;
  /** Stands in for navigator.gpu in tests. */
  readonly gpu?: GPU | null;
  /** How long the browser may take to answer, in ms. Default `ADAPTER_MS` and `DEVICE_MS`. */
  readonly adapterLimit?: number;
  readonly deviceLimit?: number;
  /** How long a browser that gave this realm a device before may refuse another, in ms. Default `RESTART_MS`. */
  readonly restartLimit?: number;
}

/** Asked for where the adapter has them. */
const WANTED_FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

/** Raised from WebGPU's defaults to the adapter's limits. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/** Whether this realm ever had a device: if it had, a missing adapter means that the browser has given up on the GPU. */
let opened = false;

/**
 * Opens the one GPU device. A browser whose GPU process ended refuses until it has restarted it: where this realm had a device,
 * it is asked again for `restartLimit` ms. Rejects with `DeviceError` if WebGPU or an adapter is missing, refused, or not given
 * in time.
 */
export async function openDevice(options: OpenOptions = {}): Promise<Device> {
  const gpu = options.gpu !== undefined ? options.gpu : globalThis.navigator?.gpu;
  if (!gpu) {
    throw new DeviceError(
      'this browser has no WebGPU',
      'Everything runs on WASM instead. For WebGPU use a current Chrome, Edge, Safari or Firefox, over https or localhost.',
    );
  }
  const end = performance.now() + (opened ? (options.restartLimit ?? RESTART_MS) : 0);
  for (;;) {
    try {
      return await requested(gpu, options);
    } catch (refusal) {
      if (performance.now() + RETRY_MS > end) throw refusal;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** One request for an adapter, and for its device. */
async function requested(
  gpu: GPU,
  { powerPreference, adapterLimit = ADAPTER_MS, deviceLimit = DEVICE_MS }: OpenOptions,
): Promise<Device> {
  const adapter = await answered(gpu.requestAdapter({ powerPreference }), 'a graphics adapter', adapterLimit);
  if (!adapter) {
    throw opened
      ? new LostDeviceError(
          'the GPU was lost, and the browser no longer offers an adapter',
          'Wait two minutes and try again, or reload the page: Chromium keeps WebGPU from a site for that long after a second crash of the GPU. After many crashes it stays switched off until the browser is restarted.',
        )
      : new DeviceError(
          'WebGPU found no graphics adapter',
          'Everything runs on WASM instead. Check that hardware acceleration is switched on in the browser settings.',
        );
  }
  const requiredLimits: Record<string, number> = {};
  for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name];
  const request = adapter.requestDevice({
    label: 'lori',
    requiredFeatures: WANTED_FEATURES.filter((f) => adapter.features.has(f)),
    requiredLimits,
  });
  const device = await answered(request, 'a GPU device', deviceLimit, (late) => late.destroy());
  opened = true;
  return new Device(device, infoOf(adapter));
}
