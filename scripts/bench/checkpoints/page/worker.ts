/** The engine's worker, which also counts what it makes: `src/worker/host.ts` with a channel that answers with the counts. */
import { vouchForOwnScripts } from '../../../../src/contract/trusted-types';
import { wasmPaths } from '../../../../src/engine/runtime/assets';
import { heapBytes } from '../../../../src/engine/runtime/heap';
import { runtimeVersion } from '../../../../src/engine/runtime/ort';
import { LoriWorkbench } from '../../../../src/engine/session/workbench';
import { serve } from '../../../../src/worker/serve';
import { gpuMemory } from './gpu-memory';

vouchForOwnScripts();

/** Exists in workers only and is missing from the DOM types. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
const reader = new FileReaderSync();
const gpu = gpuMemory();

const workbench = new LoriWorkbench({
  wasmPaths,
  crossOriginIsolated: globalThis.crossOriginIsolated,
  runtimeVersion,
  readBlob: (blob, from, to) => reader.readAsArrayBuffer(blob.slice(from, to)),
});
serve(globalThis as unknown as Parameters<typeof serve>[0], workbench, heapBytes);

/** Bytes in MB. */
const mb = (bytes: number): number => Math.round(bytes / 1e6);
const counts = new BroadcastChannel('counts');
counts.onmessage = () => {
  // What the rooms share is nobody's business but theirs, and a bench's.
  // biome-ignore lint/complexity/useLiteralKeys: it is private
  const desk = workbench['desk'];
  const { runtime, models } = desk.opened ?? {};
  const traffic = desk.openedModel && models?.traffic(desk.openedModel.model);
  counts.postMessage({
    programs: runtime?.programCount ?? 0,
    compiling: Number(((runtime?.compileTime ?? 0) / 1000).toFixed(2)),
    uploads: traffic?.uploads ?? 0,
    uploadedMB: mb(traffic?.uploadedBytes ?? 0),
    bakes: traffic?.bakes ?? 0,
    heapMB: mb(heapBytes()),
    buffersMB: mb(gpu.bytes),
    buffersPeakMB: mb(gpu.peak),
    pipelines: gpu.pipelines,
  });
};
