/** The engine's worker, which also counts what it makes: `src/worker/host.ts` with a channel that answers with the counts. */
import { heapBytes } from '../../../../src/engine/runtime/heap';
import { serveEngine } from '../../../../src/worker/hosted';
import { gpuMemory } from './gpu-memory';

const gpu = gpuMemory();
const workbench = serveEngine();

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
