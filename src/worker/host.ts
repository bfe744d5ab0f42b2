import { wasmPaths } from '../engine/runtime/assets';
import { runtimeVersion } from '../engine/runtime/ort';
import { LoriWorkbench } from '../engine/session/workbench';
import { serve } from './serve';

// The production policy wants script addresses vouched for; ONNX Runtime's thread pool and modules are all our own files.
const trusted = globalThis as typeof globalThis & {
  trustedTypes?: { createPolicy(name: string, rules: object): unknown };
};
trusted.trustedTypes?.createPolicy('default', {
  createScriptURL: (address: string) => {
    const url = new URL(address, location.href);
    if (url.origin !== location.origin && url.protocol !== 'blob:')
      throw new TypeError(`script address ${address} is not of this site`);
    return address;
  },
});

const workbench = new LoriWorkbench({
  wasmPaths,
  crossOriginIsolated: globalThis.crossOriginIsolated,
  runtimeVersion,
});
serve(globalThis as unknown as Parameters<typeof serve>[0], workbench);
