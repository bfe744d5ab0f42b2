import { wasmPaths } from './assets';
import { describeOps } from './op-check';
import { createRuntime } from './runtime';

async function device() {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('no adapter');
  const limits: Record<string, number> = {};
  for (const k of ['maxStorageBuffersPerShaderStage','maxBufferSize','maxStorageBufferBindingSize','maxComputeInvocationsPerWorkgroup','maxComputeWorkgroupSizeX','maxComputeWorkgroupStorageSize'] as const) limits[k] = adapter.limits[k];
  const gpu = await adapter.requestDevice({ requiredLimits: limits });
  return { gpu, lost: false };
}
// SwiftShader's exp and tanh err by some 1e-6.
describeOps('WebGPU', async () => createRuntime({ provider: 'webgpu', device: await device(), wasmPaths }), 2e-5, false);
