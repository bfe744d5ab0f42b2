import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../contract/events';
import type { Device } from '../device/device';
import { openDevice } from '../device/open-device';
import { KERNELS } from '../kernels/svd/svd';
import { checkDevice } from './device-check';
import type { KernelTrial } from './trial';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.destroy());

const report = (): DeviceReport => ({
  provider: 'webgpu',
  reason: '',
  adapter: { ...device.info, software: device.info.isFallback },
  threads: 1,
  crossOriginIsolated: true,
  runtimeVersion: '0',
});

describe('the check of the device, on the GPU', () => {
  it('passes every kernel of ours and leaves nothing on the device', async () => {
    const before = device.liveBuffers;
    const got = await checkDevice({ device, report: report() }, {});
    for (const c of got.checks)
      console.log(
        `${c.kernel} · ${c.measure}: ${c.largestError.toExponential(1)} of ${c.tolerance}, ${c.cases} cases, ${Math.round(c.milliseconds)} ms`,
      );
    expect(got.checks.filter((c) => !c.passed)).toEqual([]);
    // Every way of the decomposition has its rows; the CPU's is in use beside a GPU too.
    const kernels = (on: string) => new Set(got.checks.filter((c) => c.runsOn === on).map((c) => c.kernel));
    const { cpu, ...gpu } = KERNELS;
    expect([...kernels('cpu')]).toEqual([cpu]);
    for (const way of Object.values(gpu)) expect(kernels('gpu')).toContain(way);
    expect(kernels('gpu').size).toBe(Object.keys(gpu).length + 7);
    expect(got.adapter).toContain(device.info.vendor);
    expect(device.liveBuffers).toBe(before);
  });

  it('shows a kernel whose shader does not compile as a failed row and runs the next', async () => {
    const broken = (code: string): KernelTrial<number> => ({
      kernel: code,
      measures: [{ measure: 'x, relative', tolerance: 1e-5 }],
      cases: [1],
      onCpu: () => [0],
      async onGpu(on) {
        await on.pipeline(code, 'main', ['write'], 'trial');
        return async () => [1e-7];
      },
    });
    const fine = '@compute @workgroup_size(1) fn main() {}';
    const trials = [broken('fn main( {'), broken(fine)] as unknown as KernelTrial[];
    const { checks } = await checkDevice({ device, report: report() }, {}, trials);
    expect(checks.map((c) => c.passed)).toEqual([false, true]);
    expect(checks[0]?.failure).toMatch(/does not compile/);
  });
});
