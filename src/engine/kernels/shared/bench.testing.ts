import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import { GPU_TOLERANCE, TestBench } from './gpu.testing';
import { relativeError } from './testing';

/** One shape of a kernel, on the GPU and by its twin. */
export interface BenchCase {
  readonly record: (batch: Batch) => void;
  readonly outputs: readonly DeviceBuffer[];
  /** The same by the twin: what `outputs` must hold after one call. */
  readonly cpu: () => readonly Float32Array[];
}

const MAX_SECONDS = 2;
const MAX_CALLS = 50;

const median = (times: readonly number[]): string => {
  const sorted = [...times].sort((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)] as number).toFixed(2);
};

/**
 * Times a kernel against its twin, interleaved, and prints medians; only what agrees is timed. A call of the GPU counts from
 * its recording to the end of its work, without a read-back. `npx vitest run --project bench <folder>`.
 */
export function benchKernel<S>(
  kernel: string,
  shapes: readonly S[],
  prepare: (bench: TestBench, shape: S) => Promise<BenchCase>,
): void {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.open();
  });
  afterAll(() => bench.close());

  it.each(shapes.map((shape) => [JSON.stringify(shape), shape] as const))('%s', async (label, shape) => {
    const { record, outputs, cpu } = await prepare(bench, shape);
    bench.run(record);
    for (const [i, want] of cpu().entries())
      expect(relativeError(await bench.read(outputs[i] as DeviceBuffer), want)).toBeLessThan(GPU_TOLERANCE);
    const [onGpu, onCpu]: [number[], number[]] = [[], []];
    const end = performance.now() + 1000 * MAX_SECONDS;
    do {
      const start = performance.now();
      bench.run(record);
      await bench.device.idle();
      const between = performance.now();
      cpu();
      onGpu.push(between - start);
      onCpu.push(performance.now() - between);
    } while (performance.now() < end && onGpu.length < MAX_CALLS);
    const { vendor, architecture } = bench.device.info;
    console.log(
      `${kernel} ${label}: GPU (${vendor} ${architecture}) ${median(onGpu)} ms, CPU twin ${median(onCpu)} ms, ${onGpu.length} calls`,
    );
  });
}
