import { defaultDevice, init, type Array as JaxArray, numpy as np } from '@jax-js/jax';
import { Matrix, SVD } from 'ml-matrix';
import type { Device } from '../../../src/engine/device/device';
import { caseMatrix } from '../../../src/engine/kernels/svd/cases';
import { svdOnGpu } from '../../../src/engine/kernels/svd/svd';
import { svdCpu } from '../../../src/engine/kernels/svd/svd.cpu';
import type { Case } from './cases';

export interface Contender {
  readonly name: string;
  /** Singular values [B, k], from host memory to host memory; the vectors are read back as well. */
  run(): Promise<ArrayLike<number>>;
}

export interface Contest {
  readonly oursGpu: Contender;
  readonly jax: Contender;
  readonly oursCpu: Contender;
  readonly ml: Contender;
}

/** All contenders on the same power-law data. */
export async function contest(device: Device, one: Case): Promise<Contest> {
  const { batch, rows, cols } = one;
  const size = rows * cols;
  const a = new Float32Array(batch * size);
  for (let b = 0; b < batch; b++) a.set(caseMatrix('decay', rows, cols, b + 1), b * size);
  const available = await init('webgpu');
  if (!available.includes('webgpu')) throw new Error(`jax-js has ${available.join(', ')}, expected webgpu`);
  defaultDevice('webgpu');
  return {
    oursGpu: { name: 'ours, WGSL', run: async () => (await svdOnGpu(device, a, one)).sigma },
    jax: {
      name: 'jax-js, webgpu',
      run: async () => {
        const x = np.array(a, { shape: [batch, rows, cols] });
        const [u, s, v] = np.linalg.svd(x, { fullMatrices: false }) as [JaxArray, JaxArray, JaxArray];
        v.dispose();
        await u.data();
        return (await s.data()) as Float32Array;
      },
    },
    oursCpu: { name: 'ours, CPU', run: async () => svdCpu(a, one).sigma },
    ml: {
      name: 'ml-matrix',
      run: async () =>
        Array.from({ length: batch }, (_, b) => {
          const rowsOf = Array.from({ length: rows }, (_, i) =>
            Array.from(a.subarray(b * size + i * cols, b * size + (i + 1) * cols)),
          );
          return new SVD(new Matrix(rowsOf), { autoTranspose: true }).diagonal;
        }).flat(),
    },
  };
}
