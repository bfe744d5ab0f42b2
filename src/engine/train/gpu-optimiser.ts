import { Owned } from '../base/owned';
import { sizeOf } from '../base/shape';
import type { DeviceBuffer } from '../device/buffer';
import type { Device } from '../device/device';
import { createAdamW } from '../kernels/adamw/adamw';
import { createGradNorm, gradNormScratch } from '../kernels/gradnorm/gradnorm';
import { kernelBuffer } from '../runtime/kernel-buffer';
import type { DeviceTensor } from '../runtime/tensor';
import { type Group, type Optimiser, type OptimiserSpec, type OptimiserState, settingsOf } from './optimiser';

/**
 * An optimiser on the GPU, in place: norm, clipping and AdamW in one submission. The kernels themselves
 * detect a gradient or loss term that is not finite before they change anything; the norm (4 floats) and the
 * terms are read back together in one mapping, once everything in the step has been submitted. Frees
 * everything if a buffer does not fit.
 * @param from the state in which an earlier optimiser of the same parameters ended; by default moments of 0
 */
export async function gpuOptimiser(
  device: Device,
  parameters: readonly DeviceTensor[],
  spec: OptimiserSpec,
  groups: readonly Group[] = [],
  from?: OptimiserState,
): Promise<Optimiser> {
  const gradNorm = await createGradNorm(device);
  const adamW = await createAdamW(device);
  return Owned.while(async (owned) => {
    const make = (bytes: number, label: string): DeviceBuffer => {
      const buffer = device.createBuffer(bytes, label);
      owned.add({ dispose: () => buffer.destroy() });
      return buffer;
    };
    const norm = make(16, 'gradient norm');
    const scratch = make(gradNormScratch(parameters.length + 1), 'gradient norm scratch');
    const state = parameters.map((parameter, i) => {
      const length = sizeOf(parameter.shape);
      const [first, second] = [make(4 * length, `first moment ${i}`), make(4 * length, `second moment ${i}`)];
      if (from) {
        device.write(first, from.first[i] as Float32Array);
        device.write(second, from.second[i] as Float32Array);
      }
      return { parameter, length, first, second, group: groups[i] };
    });
    /** The norm's 4 floats, then the terms; created when their number is known. */
    let outcome: DeviceBuffer | undefined;
    let step = from?.step ?? 0;
    return {
      async update(gradients, learningRate, terms) {
        const buffers = gradients.map(kernelBuffer);
        const watched = kernelBuffer(terms);
        const count = watched.bytes / 4;
        outcome ??= make(4 * (4 + count), 'gradient norm and loss terms');
        const told = outcome;
        device.record('optimiser', (batch) => {
          gradNorm(batch, buffers, norm, scratch, spec.clip, [watched]);
          state.forEach(({ parameter, length, first, second, group }, i) => {
            const settings = settingsOf(spec, group, learningRate, step + 1);
            const gradient = buffers[i] as DeviceBuffer;
            adamW(batch, kernelBuffer(parameter), gradient, first, second, norm, length, settings);
          });
          batch.copy(norm, told, 16);
          batch.copy(watched, told, 4 * count, 16);
        });
        const [value, , finite, , ...values] = await device.readF32(told, 4 + count);
        if (finite !== 0) step++;
        return { norm: value as number, finite: finite !== 0, terms: values };
      },
      async state() {
        const read = (buffers: readonly DeviceBuffer[]) =>
          Promise.all(buffers.map((buffer, i) => device.readF32(buffer, state[i]?.length)));
        const [first, second] = await Promise.all([
          read(state.map((one) => one.first)),
          read(state.map((one) => one.second)),
        ]);
        return { step, first, second };
      },
      dispose: () => owned.dispose(),
    };
  });
}
