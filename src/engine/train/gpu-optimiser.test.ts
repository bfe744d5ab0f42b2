import { expect, it } from 'vitest';
import { TooLargeError } from '../base/errors';
import type { Device } from '../device/device';
import type { DeviceTensor } from '../runtime/tensor';
import { gpuOptimiser } from './gpu-optimiser';

/** Counts buffers; the n-th one does not fit. */
function failingDevice(n: number) {
  let made = 0;
  const counts = { live: 0 };
  const device = {
    pipeline: async () => ({}),
    createBuffer(bytes: number, label: string) {
      if (++made === n) throw new TooLargeError(`buffer "${label}" of ${bytes} bytes does not fit`);
      counts.live++;
      return { bytes, destroy: () => counts.live-- };
    },
  };
  return { device: device as unknown as Device, counts };
}

const parameters = [{ shape: [4] }, { shape: [3, 2] }] as unknown as DeviceTensor[];
const spec = { weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1 };

it('frees all buffers if any one does not fit, and when disposed of', async () => {
  // Two moments of two parameters, the norm and its scratch.
  for (let n = 1; n <= 6; n++) {
    const { device, counts } = failingDevice(n);
    await expect(gpuOptimiser(device, parameters, spec), `buffer ${n}`).rejects.toThrow(/does not fit/);
    expect(counts.live, `after buffer ${n}`).toBe(0);
  }
  const { device, counts } = failingDevice(7);
  const optimiser = await gpuOptimiser(device, parameters, spec);
  expect(counts.live).toBe(6);
  optimiser.dispose();
  expect(counts.live).toBe(0);
});
