import { type LoriError, MemoryError, RuntimeError, TooLargeError } from '../base/errors';

/** C++'s std::bad_alloc, Emscripten's abort, and what WebGPU's allocator and JavaScript engines say. */
const OUT_OF_MEMORY =
  /bad_alloc|out of memory|\bOOM\b|failed to allocate|cannot allocate|allocation failed|memory access out of bounds/i;

/** A size that 32-bit addresses cannot hold: ONNX Runtime's checked arithmetic, JavaScript's arrays. */
const TOO_LARGE = /SafeInt.*overflow|Integer overflow|Invalid (typed )?array length|exceeds? .*limit/i;

const FEWER = 'Lower the batch size, the number of latents or the ranks, or choose a smaller checkpoint.';

/** What ONNX Runtime threw, as an error of ours: its kind is only in its words. @param what was being done, and failed */
export function runtimeFailure(what: string, cause: unknown): LoriError {
  const words = cause instanceof Error ? cause.message : String(cause);
  const options = { cause };
  if (OUT_OF_MEMORY.test(words))
    return new MemoryError(
      `${what}: there is not enough memory (${words})`,
      `${FEWER} WASM has 4 GiB at most, and keeps what it once took until the engine is restarted.`,
      options,
    );
  if (TOO_LARGE.test(words))
    return new TooLargeError(`${what}: a tensor is larger than can be addressed (${words})`, FEWER, options);
  return new RuntimeError(`${what}: ${words}`, undefined, options);
}

/** An array in host memory that there may be no room for. @throws TooLargeError, MemoryError */
export function allocating<T>(what: string, bytes: number, allocate: () => T): T {
  try {
    return allocate();
  } catch (cause) {
    throw runtimeFailure(`${what} takes ${bytes} bytes of host memory`, cause);
  }
}
