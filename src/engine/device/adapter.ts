import { DeviceError } from '../base/errors';

/** What the browser says about the adapter; empty if it reports nothing. */
export interface DeviceInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** A software adapter (SwiftShader, WARP): WASM is faster than this. */
  readonly isFallback: boolean;
}

/** How long the browser may take to answer, in ms. A driver that hangs answers neither request. */
export const ADAPTER_MS = 10_000;
export const DEVICE_MS = 20_000;

/** How long a browser may take to restart its GPU process, and how often it is asked for a device meanwhile, in ms. */
export const RESTART_MS = 10_000;
export const RETRY_MS = 250;

/**
 * What the browser answers to a request for an adapter or a device.
 * @param late takes an answer that comes after the limit
 * @throws DeviceError if the browser refuses, or does not answer within `limit` ms
 */
export async function answered<T>(
  request: Promise<T>,
  what: string,
  limit: number,
  late: (value: T) => void = () => undefined,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isOver = true;
      reject(
        new DeviceError(
          `the browser did not answer the request for ${what} within ${limit / 1000} seconds`,
          'Restart the browser, or choose WASM in the Model panel. The graphics driver may hang.',
        ),
      );
    }, limit);
  });
  request.then((value) => isOver && late(value)).catch(() => undefined);
  try {
    return await Promise.race([request, timeUp]);
  } catch (cause) {
    if (cause instanceof DeviceError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DeviceError(
      `the GPU could not be opened: ${why}`,
      'Reload the page. If that does not help, restart the browser.',
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Chrome before 127 and early Safari and Firefox have adapters without `info`. */
export function infoOf(adapter: GPUAdapter): DeviceInfo {
  const info = adapter.info as Partial<GPUAdapterInfo> | undefined;
  const { vendor = '', architecture = '', description = '' } = info ?? {};
  const older = adapter as unknown as { readonly isFallbackAdapter?: boolean };
  const isFallback = info?.isFallbackAdapter ?? older.isFallbackAdapter ?? false;
  return { vendor, architecture, description, isFallback: isFallback || architecture === 'swiftshader' };
}
