import { vouchForOwnScripts } from '../contract/trusted-types';
import { wasmPaths } from '../engine/runtime/assets';
import { runtimeVersion } from '../engine/runtime/ort';
import { LoriWorkbench } from '../engine/session/workbench';
import { serve } from './serve';

// ONNX Runtime's thread pool starts workers of its own.
vouchForOwnScripts();

const workbench = new LoriWorkbench({
  wasmPaths,
  crossOriginIsolated: globalThis.crossOriginIsolated,
  runtimeVersion,
});
serve(globalThis as unknown as Parameters<typeof serve>[0], workbench);
