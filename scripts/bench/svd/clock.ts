import { commands } from 'vitest/browser';

/** CPU time of every process of the browser so far, ms: scripts/tools/browser-cpu.mjs. */
export const cpuTime = (): Promise<number> =>
  (commands as unknown as { browserCpu(): Promise<number> }).browserCpu();

export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

/** CPU and wall time of `run`. */
export async function costOf(run: () => Promise<unknown>): Promise<Cost> {
  const [cpu, wall] = [await cpuTime(), performance.now()];
  await run();
  const end = performance.now();
  return { cpu: (await cpuTime()) - cpu, wall: end - wall };
}
