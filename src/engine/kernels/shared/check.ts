import { NumericError, ShapeError } from '../../base/errors';
import { type Shape, showShape, sizeOf } from '../../base/shape';

/** Throws `ShapeError` unless every dimension is a positive integer. */
export function expectDims(kernel: string, dims: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(dims)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ShapeError(`${kernel}: ${name} must be a positive integer, got ${value}`);
    }
  }
}

/** Throws `ShapeError` unless `length` elements fill `shape` exactly. */
export function expectLength(kernel: string, name: string, length: number, shape: Shape): void {
  const want = sizeOf(shape);
  if (length !== want) {
    throw new ShapeError(
      `${kernel}: ${name} has ${length} elements, expected ${want} for ${showShape(shape)}`,
    );
  }
}

/**
 * Index of the first NaN or Inf, or -1. Tested by exponent bits, as shaders must, because comparisons with NaN cannot be
 * trusted there; the twins follow the same rule.
 */
export function firstNonFinite(data: Float32Array): number {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < bits.length; i++) {
    if (((bits[i] as number) & 0x7f800000) === 0x7f800000) return i;
  }
  return -1;
}

/** Throws `NumericError` naming the first NaN or Inf. */
export function expectFinite(kernel: string, name: string, data: Float32Array): void {
  const i = firstNonFinite(data);
  if (i >= 0) {
    throw new NumericError(
      `${kernel}: ${name} holds ${data[i]} at element ${i}`,
      'Check the hidden states or weights that this was computed from; if it happened during training, lower the learning rate.',
    );
  }
}

/** Throws `ShapeError` unless a float32 GPU buffer of `bytes` holds `shape`; it may be longer. */
export function expectBytes(kernel: string, name: string, bytes: number, shape: Shape): void {
  const want = sizeOf(shape) * 4;
  if (bytes < want) {
    throw new ShapeError(
      `${kernel}: buffer ${name} has ${bytes} bytes, expected ${want} for ${showShape(shape)}`,
    );
  }
}
