import { MODE_KERNEL } from '../../analysis/mode-basis';
import { KERNELS } from '../../kernels/svd/svd';

/** Kernels that compute in float64 throughout. */
const IN_F64: readonly string[] = [KERNELS.cpu, MODE_KERNEL];

/** Several kernels as a report names them, and the lowest precision among them; f64 if there were none. */
export function namedKernels(kernels: Iterable<string>): { kernel: string; dtype: 'f32' | 'f64' } {
  const all = [...new Set(kernels)];
  return {
    kernel: all.join(', ') || 'none',
    dtype: all.every((kernel) => IN_F64.includes(kernel)) ? 'f64' : 'f32',
  };
}
