import { vouchForOwnScripts } from '../contract/trusted-types';
import { wasmPaths } from '../engine/runtime/assets';
import { heapBytes } from '../engine/runtime/heap';
import { runtimeVersion } from '../engine/runtime/ort';
import { LoriWorkbench } from '../engine/session/workbench';
import { serve } from './serve';

/** Exists only in workers and is missing from the DOM types. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Serves the engine from the worker that calls it. */
export function serveEngine(): LoriWorkbench {
  // ONNX Runtime's thread pool starts workers of its own.
  vouchForOwnScripts();
  const reader = new FileReaderSync();
  const workbench = new LoriWorkbench({
    wasmPaths,
    crossOriginIsolated: globalThis.crossOriginIsolated,
    runtimeVersion,
    readBlob: (blob, from, to) => reader.readAsArrayBuffer(blob.slice(from, to)),
  });
  serve(globalThis as unknown as Parameters<typeof serve>[0], workbench, heapBytes);
  return workbench;
}
