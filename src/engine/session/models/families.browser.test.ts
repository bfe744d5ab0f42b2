import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, openDevice } from '../../device/device';
import { createHalfUpload } from '../../kernels/convert/convert';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { familyCases, familyErrors } from './families.testing';

/** As on WASM; measured at most 2e-6. */
const TOLERANCE = 1e-5;
/** Learned positions, LayerNorm, GELU; norms of queries and keys; scaled rotary tables. */
const CASES = [
  'gpt2, no prefix, old buffers, n_inner',
  'qwen3, tied head',
  'llama, llama3 scaling in rope_scaling',
];

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

describe.each(familyCases.filter(({ name }) => CASES.includes(name)))('on WebGPU: $name', (family) => {
  it('from bf16: what torch computes', async () => {
    const learned = family.name.startsWith('gpt2');
    const errors = await familyErrors(runtime, family, 'bf16', learned ? ['latents', 'logits'] : ['text']);
    console.log(family.name, errors);
    for (const [way, error] of Object.entries(errors)) expect(error, way).toBeLessThan(TOLERANCE);
  });
});
