import type { Device } from '../device/device';
import type { Provider } from '../onnx/emit';
import { runtimeFailure } from './failure';
import { type LateFile, LateFiles } from './late-file';
import type { Ort } from './ort';

/** Where a session runs. */
export interface SessionOwner {
  readonly provider: Provider;
  readonly device: Device | undefined;
}

export interface SessionModel {
  /** Shown in errors. */
  readonly label: string;
  /** The model, without the weights in `files`. */
  bytes(): Uint8Array<ArrayBuffer>;
  /** By location, as named in the model. */
  readonly files: ReadonlyMap<string, LateFile>;
  /** What to do if it is refused; default that of `RuntimeError`. */
  readonly hint?: string;
}

/**
 * Creates a session of ONNX Runtime on the owner's provider.
 * @throws RuntimeError if the model is refused, LostDeviceError, MemoryError, TooLargeError, and whatever reading a weight
 *   throws
 */
export async function openSession(
  ort: typeof Ort,
  { provider, device }: SessionOwner,
  { label, bytes, files, hint }: SessionModel,
  options: Ort.InferenceSession.SessionOptions,
): Promise<Ort.InferenceSession> {
  device?.assertAlive();
  const weights = new LateFiles(files);
  try {
    return await ort.InferenceSession.create(bytes(), {
      ...options,
      executionProviders: [device ? { name: 'webgpu', device: device.gpu as never } : 'wasm'],
      enableMemPattern: false,
      externalData: weights.files,
    });
  } catch (cause) {
    await device?.assertAliveAfterFailure();
    weights.rethrow();
    throw runtimeFailure(`${label} was refused by the ${provider} provider`, cause, hint);
  }
}
