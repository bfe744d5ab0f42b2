import type { ContenderKind } from './protocol';

const env = import.meta.env;
const number = (name: string, otherwise: number): number => {
  const value = Number(env[name] ?? otherwise);
  if (!(value > 0)) throw new Error(`${name} is "${env[name]}"; a positive number is expected`);
  return value;
};

/** Of each contender, from the environment. */
export const settings = {
  seconds: number('VITE_BENCH_SECONDS', 5),
  warmup: number('VITE_BENCH_WARMUP', 6),
} as const;

const threads = String(env.VITE_BENCH_THREADS ?? '1,2')
  .split(',')
  .map(Number);

/** Largest relative difference of a loss or of a parameter's gradient: float32 sums in another order stay a factor of ten below. */
export const TOLERANCE = 1e-4;

export const wasmContenders: readonly ContenderKind[] = [
  ...threads.map((n) => ({ runs: 'ours', provider: 'wasm', threads: n }) as const),
  { runs: 'jax-js', provider: 'wasm', mode: 'sync' },
  { runs: 'jax-js', provider: 'wasm', mode: 'workers' },
];
