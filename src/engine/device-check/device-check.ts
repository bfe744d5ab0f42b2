import type { CallOptions } from '../../contract/calls';
import type { DeviceReport } from '../../contract/events';
import type { DeviceCheckReport, KernelCheck } from '../../contract/lens';
import { LoriError, throwIfCancelled } from '../base/errors';
import { yieldToEventLoop } from '../base/yield-to-event-loop';
import type { Device } from '../device/device';
import { Workspace } from '../kernels/shared/workspace';
import type { CaseResult, KernelTrial } from './trial';

/**
 * Runs every kernel's stored cases where the session computes: on its GPU, or with the kernels' CPU twins if it runs on
 * WASM. A kernel that cannot be run is a failed row; the others are still run. Cases are fetched when needed.
 * @throws CancelledError between two cases
 */
export async function checkDevice(
  { device, report }: { readonly device: Device | undefined; readonly report: DeviceReport },
  options: CallOptions,
  trials?: readonly KernelTrial[],
): Promise<DeviceCheckReport> {
  const start = performance.now();
  const all = (trials ?? (await storedTrials())).filter((trial) => (device ? true : trial.onCpu));
  const tell = (done: number): void =>
    options.report?.({
      phase: 'check',
      done,
      total: all.length,
      unit: 'kernels',
      elapsed: performance.now() - start,
    });
  const checks: KernelCheck[] = [];
  for (const [i, trial] of all.entries()) {
    tell(i);
    checks.push(...(await checkKernel(trial, device, options.signal)));
  }
  tell(all.length);
  return { adapter: adapterName(report), checks, milliseconds: performance.now() - start };
}

async function storedTrials(): Promise<readonly KernelTrial[]> {
  const [{ KERNEL_TRIALS }, { svdOnCpuTrial, svdOnGpuTrial }] = await Promise.all([
    import('./kernels'),
    import('./svd'),
  ]);
  return [svdOnGpuTrial as KernelTrial<unknown>, svdOnCpuTrial as KernelTrial<unknown>, ...KERNEL_TRIALS];
}

/** What ran some of a trial's cases, and its errors. */
interface Row {
  cases: number;
  milliseconds: number;
  /** By measure. */
  largest: readonly number[];
  failure: string | null;
}

/** One row per kernel and measure. A case that cannot be run fails its trial's own row; the others are still run. */
async function checkKernel(
  trial: KernelTrial,
  device: Device | undefined,
  signal: AbortSignal | undefined,
): Promise<KernelCheck[]> {
  const onGpu = device !== undefined && trial.onGpu !== undefined;
  const rows = new Map<string, Row>();
  const add = (kernel: string, from: number, errors: readonly number[], failure: string | null): void => {
    const row = rows.get(kernel) ?? {
      cases: 0,
      milliseconds: 0,
      largest: trial.measures.map(() => 0),
      failure,
    };
    rows.set(kernel, {
      cases: row.cases + 1,
      milliseconds: row.milliseconds + performance.now() - from,
      largest: row.largest.map((before, i) => worse(before, errors[i] ?? Number.NaN)),
      failure: row.failure ?? failure,
    });
  };
  let start = performance.now();
  let compiled: ReturnType<NonNullable<typeof trial.onGpu>> | undefined;
  for (const c of trial.cases) {
    await yieldToEventLoop();
    throwIfCancelled(signal, 'the check of the device');
    try {
      let result: CaseResult;
      if (onGpu) {
        compiled ??= trial.onGpu?.(device);
        result = await inSpace(device, await (compiled as NonNullable<typeof compiled>), c);
      } else result = await (trial.onCpu as NonNullable<typeof trial.onCpu>)(c);
      if ('errors' in result) add(result.kernel, start, result.errors, null);
      else add(trial.kernel, start, result, null);
    } catch (error) {
      if (error instanceof LoriError && error.code === 'cancelled') throw error;
      add(trial.kernel, start, [], error instanceof Error ? error.message : String(error));
    }
    start = performance.now();
  }
  return [...rows].flatMap(([kernel, { cases, milliseconds, largest, failure }]) =>
    trial.measures.map(({ measure, tolerance }, i) => {
      const largestError = failure === null ? (largest[i] as number) : Number.NaN;
      const passed = largestError <= tolerance;
      const runsOn = onGpu ? 'gpu' : 'cpu';
      return {
        kernel,
        runsOn,
        cases,
        measure,
        largestError,
        tolerance,
        passed,
        milliseconds,
        failure,
      } as const;
    }),
  );
}

/** NaN counts as the largest error. */
const worse = (a: number, b: number): number => (b <= a ? a : b > a ? b : Number.POSITIVE_INFINITY);

async function inSpace(
  device: Device,
  run: (c: unknown, space: Workspace) => Promise<CaseResult>,
  c: unknown,
): Promise<CaseResult> {
  const space = new Workspace(device);
  try {
    return await run(c, space);
  } finally {
    space.close();
  }
}

function adapterName({ provider, adapter, reason }: DeviceReport): string {
  const name = adapter
    ? `${[adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(' · ') || 'unnamed'}${adapter.software ? ' (software)' : ''}`
    : 'none';
  if (provider === 'webgpu') return name;
  return `${name}, not in use: ${(reason || 'WASM is open').replace(/\.$/, '')}`;
}
