import type { HostTensor } from '../base/dtype';
import { NumericError } from '../base/errors';
import { showShape } from '../base/shape';
import { quote } from './json';

/** By dtype: the bits of the exponent, which are all set only in NaN and infinities, and those of the fraction. */
const BITS = {
  f32: { exponent: 0x7f800000, fraction: 0x007fffff },
  f16: { exponent: 0x7c00, fraction: 0x03ff },
  bf16: { exponent: 0x7f80, fraction: 0x007f },
} as const;

/** Refuses a float weight that holds NaN or an infinity. @throws NumericError naming the tensor and the element */
export function checkFinite(name: string, { dtype, shape, data }: HostTensor): void {
  if (dtype === 'i32' || dtype === 'bool') return;
  const { exponent, fraction } = BITS[dtype];
  const Words = dtype === 'f32' ? Uint32Array : Uint16Array;
  const words = new Words(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    if ((word & exponent) !== exponent) continue;
    throw new NumericError(
      `tensor ${quote(name)} ${showShape(shape)} holds ${(word & fraction) === 0 ? 'an infinity' : 'NaN'} at element ${i}, expected finite weights`,
      'The checkpoint is damaged, or its training diverged: get it again, or use an earlier one.',
    );
  }
}
