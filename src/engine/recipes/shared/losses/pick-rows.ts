import type { HostTensor } from '../../../base/dtype';

/** Rows `samples` of a [n, …] array: [B, …]. */
export function pickRows(
  data: Float32Array,
  width: number,
  samples: readonly number[],
  shape: readonly number[],
): HostTensor {
  const out = new Float32Array(samples.length * width);
  samples.forEach((sample, i) => {
    out.set(data.subarray(sample * width, (sample + 1) * width), i * width);
  });
  return { dtype: 'f32', shape: [samples.length, ...shape], data: out };
}
