import type { HalfDType } from '../../base/dtype';
import { ShapeError } from '../../base/errors';
import { type Batch, foldGroups } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectDims } from '../shared/check';
import { type Conversion, convertedBytes } from './convert.cpu';
import code from './convert.wgsl?raw';

const BINDINGS = ['read', 'write', 'uniform'] as const;

/**
 * Records the conversion of the first `count` values of `from` (a checkpoint's bytes, unchanged) into `to`, which has
 * `convertedBytes`. Throws `ShapeError`.
 */
export type ConvertKernel = (
  batch: Batch,
  from: DeviceBuffer,
  to: DeviceBuffer,
  count: number,
  conversion: Conversion,
) => void;

/** Compiles the kernel (once per device). Rejects with `DeviceError`. */
export async function createConvert(device: Device): Promise<ConvertKernel> {
  const [wide, wideHalf, narrow] = await Promise.all(
    ['bf16_to_f32', 'f16_to_f32', 'bf16_to_f16'].map((entry) =>
      device.pipeline(code, entry, BINDINGS, `convert ${entry}`),
    ),
  );
  const pipelines = { 'bf16 to f32': wide!, 'f16 to f32': wideHalf!, 'bf16 to f16': narrow! } as const;
  return (batch, from, to, count, conversion) => {
    expectDims('convert', { count });
    atLeast('from', from, 2 * count, count);
    atLeast('to', to, convertedBytes(conversion, count), count);
    const groups = foldGroups(Math.ceil(count / 512));
    batch.dispatch(pipelines[conversion], [from, to], packUniforms(['u', count]), groups);
  };
}

/**
 * Uploads the `count` 16-bit values of `bytes` unchanged, half the size of float32, and converts them on the GPU.
 * The caller owns the result. Throws `ShapeError` or `DeviceError`.
 */
export function uploadConverted(
  device: Device,
  convert: ConvertKernel,
  bytes: Uint8Array,
  count: number,
  conversion: Conversion,
  label: string,
): DeviceBuffer {
  const raw = device.upload(bytes, `${label}, raw`);
  let converted: DeviceBuffer | undefined;
  try {
    const to = device.createBuffer(convertedBytes(conversion, count), label);
    converted = to;
    device.record(`convert ${label}`, (batch) => convert(batch, raw, to, count, conversion));
    return to;
  } catch (error) {
    converted?.destroy();
    throw error;
  } finally {
    // Destroying waits for what was submitted.
    raw.destroy();
  }
}

/**
 * `uploadConverted` to f32 for one device, from 16-bit values as host tensors store them. Compiles the kernel.
 * Rejects with `DeviceError`.
 */
export async function createHalfUpload(
  device: Device,
): Promise<(values: Uint16Array, dtype: HalfDType, label: string) => DeviceBuffer> {
  const convert = await createConvert(device);
  return (values, dtype, label) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return uploadConverted(device, convert, bytes, values.length, `${dtype} to f32`, label);
  };
}

function atLeast(name: string, buffer: DeviceBuffer, bytes: number, count: number): void {
  if (buffer.bytes < bytes)
    throw new ShapeError(
      `convert: buffer ${name} has ${buffer.bytes} bytes, expected ${bytes} for ${count} values`,
    );
}
