import { unpackF32 } from '../kernels/shared/golden';
import { type CaseKind, caseMatrix, GATES, svdErrors } from '../kernels/svd/cases';
import { type SvdOptions, type SvdOutcome, svdOnCpu, svdOnGpu } from '../kernels/svd/svd';
import golden from '../kernels/svd/svd.golden.json';
import type { CaseResult, KernelTrial, Measure } from './trial';

interface Case {
  readonly kind: string;
  readonly m: number;
  readonly n: number;
  readonly r: number;
  readonly seed: number;
  readonly sigma: string;
  readonly u: string;
  readonly want: NonNullable<SvdOptions['want']>;
}

const matrixOf = (c: Case) => caseMatrix(c.kind as CaseKind, c.m, c.n, c.seed);
const shapeOf = (c: Case) => ({ batch: 1, rows: c.m, cols: c.n, r: c.r });

function result(c: Case, { sigma, u, kernel }: SvdOutcome): CaseResult {
  const truth = unpackF32(c.sigma);
  // Values that were not requested do not count as errors.
  const all = truth.slice();
  all.set(sigma);
  const e = svdErrors(all, u, truth, unpackF32(c.u), c.m, c.r);
  return { kernel, errors: [e.relative, e.absolute, e.orthogonality, e.angle] };
}

const MEASURES: readonly Measure[] = [
  { measure: 'σ down to σ₁/1000, relative', tolerance: GATES.relative },
  { measure: 'every σ, relative to σ₁', tolerance: GATES.absolute },
  { measure: 'UᵀU − I', tolerance: GATES.orthogonality },
  { measure: 'angle of U’s span, share of its limit', tolerance: GATES.angle },
];

const cases: readonly Case[] = golden.cases.map((c) => ({ ...c, want: 'all' }));

/** The CPU's method, which small matrices take even where there is a GPU. */
export const svdOnCpuTrial: KernelTrial<Case> = {
  kernel: 'svd on the CPU',
  measures: MEASURES,
  cases,
  onCpu: async (c) => result(c, await svdOnCpu(matrixOf(c), shapeOf(c))),
};

/** The GPU's methods: each case takes the one for its shape, and each has a row in the report. */
export const svdOnGpuTrial: KernelTrial<Case> = {
  kernel: 'svd on the GPU',
  measures: MEASURES,
  // Leading values have a method of their own only for large matrices.
  cases: [
    ...cases,
    ...cases.filter(({ m, n }) => Math.min(m, n) > 256).map((c) => ({ ...c, want: 'leading' as const })),
  ],
  onGpu: async (device) => async (c) =>
    result(c, await svdOnGpu(device, matrixOf(c), shapeOf(c), { want: c.want })),
};
