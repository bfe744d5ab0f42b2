import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, openDevice } from '../../device/device';
import { createHalfUpload } from '../../kernels/convert/convert';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { familyErrors } from './families.testing';
import { familyCases } from './families-files.testing';

/** As on WASM; measured at most 2e-6. */
const TOLERANCE = 1e-5;
let device: Device;
let runtime: Runtime;
beforeAll(async () => {
  device = await openDevice();
  const uploadHalves = await createHalfUpload(device);
  runtime = await createRuntime({ provider: 'webgpu', device, uploadHalves, wasmPaths });
});
afterAll(async () => {
  await runtime.dispose();
  device.destroy();
});

describe.each(familyCases)('on WebGPU: $name', (family) => {
  it('from bf16: what torch computes', async () => {
    // Latents after padded questions, and position by position, where the most differs from other families.
    const stepped = family.name.startsWith('gpt2, no prefix');
    const errors = await familyErrors(runtime, family, 'bf16', stepped ? ['latents', 'logits'] : ['text']);
    for (const [way, error] of Object.entries(errors)) expect(error, way).toBeLessThan(TOLERANCE);
  });
});
