/**
 * `npm run bench:svd -- accuracy`: the errors of both paths, and of jax-js where it is quick, on the stored cases against
 * float64 LAPACK, measured as for the gates.
 */
import { defaultDevice, init, type Array as JaxArray, numpy as np } from '@jax-js/jax';
import { test } from 'vitest';
import { openDevice } from '../../../src/engine/device/open-device';
import { unpackF32 } from '../../../src/engine/kernels/shared/golden';
import { type CaseKind, caseMatrix, GATES, svdErrors } from '../../../src/engine/kernels/svd/cases';
import { svdOnGpu } from '../../../src/engine/kernels/svd/svd';
import { svdCpu } from '../../../src/engine/kernels/svd/svd.cpu';
import golden from '../../../src/engine/kernels/svd/svd.golden.json';
import { showTable } from './report';

/** Largest shorter side that jax-js is given here; at 1 its shader does not compile. */
const QUICK = 33;

async function byJax(a: Float32Array<ArrayBuffer>, { m, n, r }: { m: number; n: number; r: number }) {
  const parts = np.linalg.svd(np.array(a, { shape: [m, n] }), { fullMatrices: false });
  const [u, s, v] = parts as [JaxArray, JaxArray, JaxArray];
  v.dispose();
  const k = Math.min(m, n);
  const full = (await u.data()) as Float32Array;
  const top = Float32Array.from({ length: m * r }, (_, i) => full[Math.floor(i / r) * k + (i % r)] as number);
  return { sigma: (await s.data()) as Float32Array, u: top };
}

test('accuracy', async () => {
  const device = await openDevice();
  await init('webgpu');
  defaultDevice('webgpu');
  const body: string[][] = [];
  for (const c of golden.cases) {
    const a = caseMatrix(c.kind as CaseKind, c.m, c.n, c.seed);
    const k = Math.min(c.m, c.n);
    const shape = { batch: 1, rows: c.m, cols: c.n, r: c.r };
    const results = [
      ['ours, WGSL', await svdOnGpu(device, a, shape)],
      ['ours, CPU', svdCpu(a, shape)],
    ] as [string, { sigma: Float32Array; u: Float32Array }][];
    if (k > 1 && k <= QUICK) results.push(['jax-js, webgpu', await byJax(a, c)]);
    for (const [name, { sigma, u }] of results) {
      const e = svdErrors(sigma, u, unpackF32(c.sigma), unpackF32(c.u), c.m, c.r);
      const show = (error: number, gate: number) => `${error.toExponential(1)}${error < gate ? ' ' : '!'}`;
      body.push([
        `${c.kind} ${c.m}×${c.n}, r = ${c.r}`,
        name,
        show(e.absolute, GATES.absolute),
        show(e.relative, GATES.relative),
        show(e.orthogonality, GATES.orthogonality),
        show(e.angle, GATES.angle),
      ]);
    }
  }
  const head = ['case', 'by', '|Δσ|/σ₁', '|Δσ|/σ', 'UᵀU − I', 'angle/allowed'];
  console.log(`errors against float64; ! is past the gate\n${showTable(head, body)}`);
  device.destroy();
});
