/** Shapes of hidden states, with the minimum ratios of CPU time (theirs over ours) required of the kernels. */
export interface Case {
  readonly name: string;
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
  /** Number of left vectors. */
  readonly r: number;
  /** WGSL against jax-js on the same adapter: the required ratio, and the target; left out where that takes minutes. */
  readonly gpu?: { readonly gate: number; readonly aim?: number };
  /** The CPU path against ml-matrix. */
  readonly cpu?: { readonly gate: number };
  /** jax-js takes half a minute per call: one call, no warm-up. */
  readonly slow?: boolean;
}

export const CASES: readonly Case[] = [
  { name: '32×128 B32', batch: 32, rows: 32, cols: 128, r: 16, gpu: { gate: 5, aim: 8 }, cpu: { gate: 5 } },
  { name: '64×256 B32', batch: 32, rows: 64, cols: 256, r: 16, gpu: { gate: 10, aim: 20 }, cpu: { gate: 5 } },
  { name: '8×4096', batch: 1, rows: 8, cols: 4096, r: 8, gpu: { gate: 1 }, cpu: { gate: 5 } },
  { name: '32×8192', batch: 1, rows: 32, cols: 8192, r: 16, gpu: { gate: 1.8 }, cpu: { gate: 5 } },
  {
    name: '160×128 B32',
    batch: 32,
    rows: 160,
    cols: 128,
    r: 16,
    gpu: { gate: 30, aim: 60 },
    cpu: { gate: 5 },
    slow: true,
  },
  {
    name: '480×896',
    batch: 1,
    rows: 480,
    cols: 896,
    r: 16,
    gpu: { gate: 15, aim: 40 },
    cpu: { gate: 5 },
    slow: true,
  },
  // A rationale of 60 tokens in 24 layers of 896 features, singular values alone.
  { name: '1440×896', batch: 1, rows: 1440, cols: 896, r: 0, cpu: { gate: 5 } },
];
