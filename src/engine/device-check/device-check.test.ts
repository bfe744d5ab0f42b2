import { describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../contract/events';
import { CancelledError, ShapeError } from '../base/errors';
import { checkDevice } from './device-check';
import type { KernelTrial } from './trial';

const report: DeviceReport = {
  provider: 'wasm',
  reason: 'WASM was chosen.',
  adapter: null,
  threads: 1,
  crossOriginIsolated: true,
  runtimeVersion: '0',
};
const opened = { device: undefined, report };

const trial = (kernel: string, errors: readonly (number | Error)[]): KernelTrial<number | Error> => ({
  kernel,
  measures: [{ measure: 'x, relative', tolerance: 1e-5 }],
  cases: errors,
  onCpu(c) {
    if (c instanceof Error) throw c;
    return [c];
  },
  onGpu: () => Promise.reject(new Error('there is no GPU here')),
});
const asTrials = (...trials: KernelTrial<number | Error>[]) => trials as unknown as KernelTrial[];

describe('the check of the device', () => {
  it('passes every kernel on its twin against the stored float64 results', async () => {
    const heard: string[] = [];
    const got = await checkDevice(opened, {
      report: ({ phase, done, total, unit }) => heard.push(`${phase} ${done}/${total} ${unit}`),
    });
    expect(got.adapter).toBe('none, not in use: WASM was chosen');
    expect([...new Set(got.checks.map((c) => c.kernel))]).toEqual([
      'svd (CPU)',
      'Tucker projection',
      'Moments',
      'Moment loss',
      'Anchor loss',
      'AdamW',
      'Gradient norm and clip',
      'bf16 and f16 conversion',
    ]);
    expect(got.checks.filter((c) => !c.passed)).toEqual([]);
    expect(got.checks.every((c) => c.runsOn === 'cpu' && c.cases >= 3 && c.failure === null)).toBe(true);
    expect(heard.at(0)).toBe('check 0/8 kernels');
    expect(heard.at(-1)).toBe('check 8/8 kernels');
  });

  it('fails a row whose error is too large, NaN, or thrown, and runs the others', async () => {
    const { checks } = await checkDevice(
      opened,
      {},
      asTrials(
        trial('good', [1e-6, 9e-6]),
        trial('bad', [1e-6, 2e-5, 1e-7]),
        trial('nan', [Number.NaN, 0]),
        trial('broken', [1e-6, new ShapeError('no such rank')]),
        trial('after', [0]),
      ),
    );
    expect(checks.map((c) => [c.kernel, c.largestError, c.passed, c.failure])).toEqual([
      ['good', 9e-6, true, null],
      ['bad', 2e-5, false, null],
      ['nan', Infinity, false, null],
      ['broken', Number.NaN, false, 'no such rank'],
      ['after', 0, true, null],
    ]);
  });

  it('gives each way that a kernel took a row of its own, and one to the cases that could not be run', async () => {
    const ways: KernelTrial<string> = {
      kernel: 'routed',
      measures: [
        { measure: 'x', tolerance: 1e-5 },
        { measure: 'y', tolerance: 1e-6 },
      ],
      cases: ['thin', 'thin', 'large', 'lost', 'large'],
      onCpu(c) {
        if (c === 'lost') throw new Error('no room');
        return { kernel: `by ${c}`, errors: [1e-7, c === 'large' ? 2e-6 : 1e-8] };
      },
    };
    const gpuOnly = { ...trial('gpu only', [0]), onCpu: undefined };
    const { checks } = await checkDevice(opened, {}, [ways, gpuOnly] as unknown as KernelTrial[]);
    expect(checks.map((c) => [c.kernel, c.measure, c.cases, c.largestError, c.passed, c.failure])).toEqual([
      ['by thin', 'x', 2, 1e-7, true, null],
      ['by thin', 'y', 2, 1e-8, true, null],
      ['by large', 'x', 2, 1e-7, true, null],
      ['by large', 'y', 2, 2e-6, false, null],
      ['routed', 'x', 1, Number.NaN, false, 'no room'],
      ['routed', 'y', 1, Number.NaN, false, 'no room'],
    ]);
  });

  it('stops between two cases when it is cancelled', async () => {
    const cancel = new AbortController();
    let ran = 0;
    const counting: KernelTrial<number | Error> = {
      ...trial('counted', [0, 0, 0]),
      onCpu() {
        ran++;
        cancel.abort();
        return [0];
      },
    };
    const running = checkDevice(opened, { signal: cancel.signal }, asTrials(counting));
    await expect(running).rejects.toThrow(CancelledError);
    expect(ran).toBe(1);
  });
});
