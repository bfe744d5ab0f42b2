import type { Device } from '../../device/device';
import { type CaseKind, caseMatrix } from './cases';
import golden from './large.golden.json';

/** A stored case of scripts/goldens/kernels/svd_large.py. */
export type LargeCase = (typeof golden.cases)[number];
export const largeCases: readonly LargeCase[] = golden.cases;

/** Its matrix: rows past the first `repeat` repeat those. */
export function largeMatrix({ kind, m, n, seed, repeat }: LargeCase): Float32Array<ArrayBuffer> {
  const base = caseMatrix(kind as CaseKind, m, n, seed);
  const a = new Float32Array(m * n);
  for (let i = 0; i < m; i++) a.set(base.subarray((i % repeat) * n, ((i % repeat) + 1) * n), i * n);
  return a;
}

/** `device` as if its adapter allowed buffers of `bytes` only. It counts its own live buffers. */
export const lowered = (device: Device, bytes: number): Device =>
  Object.create(device, {
    limits: { value: { maxStorageBufferBindingSize: bytes, maxBufferSize: bytes } },
  });
