import type { CallOptions } from '../../contract/calls';
import type { DeviceCheckReport, KernelCheck } from '../../contract/lens';
import { LoriError, throwIfCancelled } from '../base/errors';
import type { Device } from '../device/device';
import { Workspace } from '../kernels/shared/workspace';
import type { KernelTrial } from './check-device-trial';
import type { Opened } from './open';

/**
 * Runs every kernel's stored cases where the session computes: on its GPU, or, where it runs on WASM, by the kernels'
 * CPU twins. A kernel that cannot be run is a failed row; the others still are. Cases are fetched when they are asked
 * for. @throws CancelledError between two cases
 */
export async function checkDevice(
  { device, report }: Pick<Opened, 'device' | 'report'>,
  options: CallOptions,
  trials?: readonly KernelTrial[],
): Promise<DeviceCheckReport> {
  const start = performance.now();
  const all = trials ?? (await storedTrials());
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
  const [{ KERNEL_TRIALS }, { svdTrial }] = await Promise.all([
    import('./check-device-kernels'),
    import('./check-device-svd'),
  ]);
  return [svdTrial as KernelTrial<unknown>, ...KERNEL_TRIALS];
}

/** One row a measure. */
async function checkKernel(
  trial: KernelTrial,
  device: Device | undefined,
  signal: AbortSignal | undefined,
): Promise<KernelCheck[]> {
  const start = performance.now();
  const largest = trial.measures.map(() => 0);
  let failure: string | null = null;
  try {
    const runCase = device ? await trial.onGpu(device) : undefined;
    for (const c of trial.cases) {
      await breathe();
      throwIfCancelled(signal, 'the check of the device');
      const space = device && new Workspace(device);
      try {
        const errors = runCase && space ? await runCase(c, space) : await trial.onCpu(c);
        // NaN is the largest error there is.
        errors.forEach((e, i) => {
          largest[i] = e <= (largest[i] as number) ? (largest[i] as number) : e >= 0 ? e : Infinity;
        });
      } finally {
        space?.close();
      }
    }
  } catch (error) {
    if (error instanceof LoriError && error.code === 'cancelled') throw error;
    failure = error instanceof Error ? error.message : String(error);
  }
  const milliseconds = performance.now() - start;
  return trial.measures.map(({ measure, tolerance }, i) => ({
    kernel: trial.kernel,
    runsOn: device ? 'gpu' : 'cpu',
    cases: trial.cases.length,
    measure,
    largestError: failure === null ? (largest[i] as number) : Number.NaN,
    tolerance,
    passed: failure === null && (largest[i] as number) <= tolerance,
    milliseconds,
    failure,
  }));
}

function adapterName({ provider, adapter, reason }: Opened['report']): string {
  const name = adapter
    ? `${[adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(' · ') || 'unnamed'}${adapter.software ? ' (software)' : ''}`
    : 'none';
  if (provider === 'webgpu') return name;
  return `${name}, not in use: ${(reason || 'WASM is open').replace(/\.$/, '')}`;
}

/** Lets a cancel that came in meanwhile be heard. */
const breathe = (): Promise<void> => new Promise((resume) => setTimeout(resume));
