import { wasmPaths } from './assets';
import { describeRuntime } from './runtime-check';
import { createRuntime } from './runtime';

async function device() {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('no adapter');
  const gpu = await adapter.requestDevice();
  gpu.onuncapturederror = (e) => console.log('GPU ERROR', e.error.message);
  return { gpu, lost: false };
}
describeRuntime('WebGPU', async () => createRuntime({ provider: 'webgpu', device: await device(), wasmPaths }));
describeRuntime('WASM', async () => createRuntime({ provider: 'wasm', wasmPaths }));
