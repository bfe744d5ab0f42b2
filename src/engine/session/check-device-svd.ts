import { unpackF32 } from '../kernels/shared/golden';
import { type CaseKind, caseMatrix, svdErrors } from '../kernels/svd/cases';
import { svdOnCpu, svdOnGpu } from '../kernels/svd/svd';
import type { SvdResult } from '../kernels/svd/svd.cpu';
import golden from '../kernels/svd/svd.golden.json';
import type { KernelTrial } from './check-device-trial';

type Case = (typeof golden.cases)[number];

const matrixOf = (c: Case) => caseMatrix(c.kind as CaseKind, c.m, c.n, c.seed);
const shapeOf = (c: Case) => ({ batch: 1, rows: c.m, cols: c.n, r: c.r });

function errors(c: Case, { sigma, u }: SvdResult): readonly number[] {
  const e = svdErrors(sigma, u, unpackF32(c.sigma), unpackF32(c.u), c.m, c.r);
  return [e.absolute, e.orthogonality, e.angle];
}

/** The decomposition's stored cases, by the route that its shape takes. */
export const svdTrial: KernelTrial<Case> = {
  kernel: 'SVD',
  measures: [
    { measure: 'σ, relative to σ₁', tolerance: 1e-6 },
    { measure: 'UᵀU − I', tolerance: 2e-6 },
    { measure: 'angle of U’s span, share of what its gap allows', tolerance: 1 },
  ],
  cases: golden.cases,
  onCpu: async (c) => errors(c, await svdOnCpu(matrixOf(c), shapeOf(c))),
  onGpu: async (device) => async (c) => errors(c, await svdOnGpu(device, matrixOf(c), shapeOf(c))),
};
