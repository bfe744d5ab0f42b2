import { DeviceError, type LoriError, MemoryError } from '../base/errors';

/** What the browser reports about a failed command: its class says what kind of failure it is. */
export interface Reported {
  readonly message: string;
}

/** A validation error that follows from running out of memory says so too: the buffer that was not made is invalid. */
const isOutOfMemory = (error: Reported): boolean =>
  error.constructor.name === 'GPUOutOfMemoryError' || OUT_OF_MEMORY.test(error.message);

const OUT_OF_MEMORY = /out of memory|failed to allocate|not enough memory|OutOfMemory/i;

/**
 * The errors reported since they were last asked for, as one. If memory ran out, everything else that was reported
 * follows from that.
 */
export function reportedError(errors: readonly Reported[]): LoriError {
  const all = errors.map(({ message }) => message).join('; ');
  return errors.some(isOutOfMemory)
    ? new MemoryError(
        `the GPU ran out of memory: ${all}`,
        'Lower the batch size or the ranks, choose a smaller checkpoint, close other tabs that use the GPU, or choose WASM in the Model panel.',
      )
    : new DeviceError(
        `the GPU refused a command: ${all}`,
        'This is a bug in the program: choose WASM in the Model panel, and please report it with the details below.',
      );
}
