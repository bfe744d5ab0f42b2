import { DeviceError, type LoriError, MemoryError } from '../base/errors';

/** What the browser reports of a failed command: its class says what kind of failure it is. */
export interface Reported {
  readonly message: string;
}

/** What a validation error says where memory ran out before: the buffer that was not made is not valid. */
const isOutOfMemory = (error: Reported): boolean =>
  error.constructor.name === 'GPUOutOfMemoryError' || OUT_OF_MEMORY.test(error.message);

const OUT_OF_MEMORY = /out of memory|failed to allocate|not enough memory|OutOfMemory/i;

/**
 * The errors reported since they were last asked for, as one. Where memory ran out, everything else that was reported
 * follows from it.
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
        'This is a fault of the program: choose WASM in the Model panel, and report it with the details below.',
      );
}
