import { openDevice } from '../device/open-device';
import { wasmPaths } from './assets';
import { describeOps } from './ops.testing';
import { createRuntime } from './runtime';

// SwiftShader's exp and tanh err by about 1e-6, and its exp of NaN is a number: NaN is tested on WASM only.
describeOps(
  'WebGPU',
  async () => createRuntime({ provider: 'webgpu', device: await openDevice(), wasmPaths }),
  2e-5,
  false,
);
