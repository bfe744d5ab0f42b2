import type * as Ort from 'onnxruntime-web';
import { RuntimeError } from '../base/errors';
import { notingMemory } from './heap';
import { enqueue } from './queue';
import { startOrt, type WasmPaths } from './start';

export type { Ort, WasmPaths };

/** Set once per realm: ONNX Runtime has one thread pool. */
let threadsInUse: number | undefined;
/** ONNX Runtime starts once per realm; if that fails, it fails for good. */
let starting: Promise<void> | undefined;

const inNode = typeof process === 'object' && process.versions?.node !== undefined;

/**
 * The package's build for Node, or the browser build that the bundler is configured to take. Node resolves its own build
 * itself, because the bundler's choice also applies to tests that it runs in Node.
 */
async function importOrt(): Promise<typeof Ort> {
  if (!inNode) return import('onnxruntime-web');
  const builtin = 'node:module';
  const { createRequire } = (await import(/* @vite-ignore */ builtin)) as typeof import('node:module');
  return createRequire(import.meta.url)('onnxruntime-web');
}

/**
 * Two where threads are available. Never more by default: the rounding of a matrix product depends on how it
 * is split.
 */
export function defaultThreads(): number {
  if (!inNode && !globalThis.crossOriginIsolated) return 1;
  return Math.min(2, globalThis.navigator?.hardwareConcurrency ?? 2);
}

/**
 * Loads ONNX Runtime: its Node build in Node, its WebGPU build in the browser (chosen by the resolver).
 * @throws RuntimeError if it is already running with another number of threads, LoadError if it cannot be
 * loaded
 */
export function loadOrt(
  threads: number | undefined,
  wasmPaths?: WasmPaths,
): Promise<{ ort: typeof Ort; threads: number }> {
  return enqueue(async () => {
    const ort = await importOrt();
    if (threadsInUse === undefined) {
      threadsInUse = threads ?? defaultThreads();
      ort.env.wasm.numThreads = threadsInUse;
      if (wasmPaths) ort.env.wasm.wasmPaths = { ...wasmPaths };
      ort.env.logLevel = 'error';
    } else if (threads !== undefined && threads !== threadsInUse) {
      throw new RuntimeError(
        `asked for ${threads} threads, but onnxruntime already runs with ${threadsInUse} here`,
        'Start another worker for another number of threads.',
      );
    }
    starting ??= notingMemory(() => startOrt(ort, wasmPaths));
    await starting;
    return { ort, threads: threadsInUse };
  });
}

/** Version of the onnxruntime-web package this was built with. */
export const runtimeVersion = '1.30.0';
