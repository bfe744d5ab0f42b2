import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, openDevice } from '../../device/device';
import { createHalfUpload } from '../../kernels/convert/convert';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { hasStories, runStories, STORIES_FORMS } from './stories.testing';

describe.skipIf(!(await hasStories()))('stories260K of ../shared, opened, on WebGPU', () => {
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

  it.each(STORIES_FORMS)(
    '%s: gives the logits and tokens of the reference',
    async (_form, files, tolerance) => {
      // As far as the position of the reference's logits: a software adapter is slow.
      const { error, greedy, expected } = await runStories(runtime, files, 16);
      expect(error).toBeLessThan(tolerance);
      expect(greedy).toEqual(expected);
    },
  );
});
