import { sizeOf } from '../base/shape';
import type { DeviceBuffer } from '../device/buffer';
import type { Device } from '../device/device';
import { createAdamW } from '../kernels/adamw/adamw';
import { createGradNorm, gradNormScratch } from '../kernels/gradnorm/gradnorm';
import type { DeviceTensor } from '../runtime/tensor';
import { bufferOf } from './device-buffers';
import { type Group, type Optimiser, type OptimiserSpec, settingsOf } from './optimiser';

/**
 * On the GPU, in place: norm, clipping and AdamW in one submission. The kernels themselves notice a gradient or loss term
 * that is not finite before they change anything; the norm (4 floats) and the terms are read back together in one mapping,
 * once everything in the step has been submitted.
 */
export async function gpuOptimiser(
  device: Device,
  parameters: readonly DeviceTensor[],
  spec: OptimiserSpec,
  groups: readonly Group[] = [],
): Promise<Optimiser> {
  const gradNorm = await createGradNorm(device);
  const adamW = await createAdamW(device);
  const lengths = parameters.map(({ shape }) => sizeOf(shape));
  const { first, second, norm, scratch } = stateBuffers(device, lengths);
  /** The norm's 4 floats, then the terms; created when their number is known. */
  let outcome: DeviceBuffer | undefined;
  let step = 0;
  return {
    async update(gradients, learningRate, terms) {
      const gradientBuffers = gradients.map(bufferOf);
      const watched = bufferOf(terms);
      const count = watched.bytes / 4;
      outcome ??= device.createBuffer(4 * (4 + count), 'gradient norm and loss terms');
      const told = outcome;
      device.record('optimiser', (batch) => {
        gradNorm(batch, gradientBuffers, norm, scratch, spec.clip, [watched]);
        parameters.forEach((parameter, i) => {
          const [gradient, m, v] = [gradientBuffers[i], first[i], second[i]] as [
            DeviceBuffer,
            DeviceBuffer,
            DeviceBuffer,
          ];
          adamW(
            batch,
            bufferOf(parameter),
            gradient,
            m,
            v,
            norm,
            lengths[i] as number,
            settingsOf(spec, groups[i], learningRate, step + 1),
          );
        });
        batch.copy(norm, told, 16);
        batch.copy(watched, told, 4 * count, 16);
      });
      const [value, , finite, , ...values] = await device.readF32(told, 4 + count);
      if (finite !== 0) step++;
      return { norm: value as number, finite: finite !== 0, terms: values };
    },
    dispose() {
      for (const buffer of [...first, ...second, norm, scratch]) buffer.destroy();
      outcome?.destroy();
    },
  };
}

/** Both moments of each parameter, and what the norm needs. Frees everything if one of them does not fit. */
function stateBuffers(device: Device, lengths: readonly number[]) {
  const made: DeviceBuffer[] = [];
  const make = (bytes: number, label: string): DeviceBuffer => {
    const buffer = device.createBuffer(bytes, label);
    made.push(buffer);
    return buffer;
  };
  try {
    return {
      first: lengths.map((length, i) => make(4 * length, `first moment ${i}`)),
      second: lengths.map((length, i) => make(4 * length, `second moment ${i}`)),
      norm: make(16, 'gradient norm'),
      scratch: make(gradNormScratch(lengths.length + 1), 'gradient norm scratch'),
    };
  } catch (error) {
    for (const buffer of made) buffer.destroy();
    throw error;
  }
}
