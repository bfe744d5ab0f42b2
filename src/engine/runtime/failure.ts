import { HeapError, type LoriError, MemoryError, RuntimeError, TooLargeError } from '../base/errors';

/** What C++ (std::bad_alloc), Emscripten, WebGPU's allocator and JavaScript engines say when memory runs out. */
const OUT_OF_MEMORY =
  /bad_alloc|out of memory|\bOOM\b|failed to allocate|cannot allocate|allocation failed|memory access out of bounds/i;

/** Those among them that mean that WASM has no more memory. */
const HEAP_FULL = /bad_alloc|Aborted\(OOM|memory access out of bounds/i;

/**
 * What ONNX Runtime's checked arithmetic and JavaScript's arrays say about a size beyond 32-bit addresses.
 */
const TOO_LARGE = /SafeInt.*overflow|Integer overflow|Invalid (typed )?array length|exceeds? .*limit/i;

const FEWER = 'Lower the batch size, the number of latents or the ranks, or choose a smaller checkpoint.';

/**
 * ONNX Runtime's error as one of ours; only its message reveals its kind.
 * @param what was being done when it failed
 * @param hint what to do unless memory ran out; default that of `RuntimeError`
 */
export function runtimeFailure(what: string, cause: unknown, hint?: string): LoriError {
  const words = cause instanceof Error ? cause.message : String(cause);
  const options = { cause };
  if (OUT_OF_MEMORY.test(words)) {
    const isFull = HEAP_FULL.test(words);
    const Kind = isFull ? HeapError : MemoryError;
    return new Kind(
      // What C++ calls it (std::bad_alloc) says nothing to a person; it stays the cause.
      `${what}: ${isFull ? 'WebAssembly has no memory left' : `there is not enough memory (${words})`}`,
      `${FEWER} WASM can use at most 4 GiB, and memory once allocated is not released until the engine is restarted.`,
      options,
    );
  }
  if (TOO_LARGE.test(words))
    return new TooLargeError(`${what}: a tensor is larger than can be addressed (${words})`, FEWER, options);
  return new RuntimeError(`${what}: ${words}`, hint, options);
}

/** Allocates an array in host memory that may not fit. @throws TooLargeError, MemoryError */
export function allocating<T>(what: string, bytes: number, allocate: () => T): T {
  try {
    return allocate();
  } catch (cause) {
    throw runtimeFailure(`${what} takes ${bytes} bytes of host memory`, cause);
  }
}
