import type { DeviceCheckReport, KernelCheck } from '../../../contract/lens';
import type { CsvRows } from '../../../text/csv';
import { duration, significant } from '../../ui/format';

const RUNS_ON: Readonly<Record<KernelCheck['runsOn'], string>> = { gpu: 'GPU', cpu: 'CPU twin' };

const verdict = ({ passed, failure }: KernelCheck): string =>
  passed ? '✓ passed' : failure === null ? '✕ too far off' : '✕ did not run';

export const CHECK_COLUMNS = [
  'Kernel',
  'Verdict',
  'Largest error',
  'Allowed',
  'Error of',
  'Runs on',
  'Cases',
  'Time',
] as const;

/** Rows of the table; what all measures of a kernel share is in its first row. */
export function checkRows({ checks }: DeviceCheckReport): (string | number | null)[][] {
  return checks.map((check, i) => {
    const first = checks[i - 1]?.kernel !== check.kernel;
    return [
      check.kernel,
      verdict(check),
      check.failure === null ? significant(check.largestError, 2) : '–',
      significant(check.tolerance, 1),
      check.measure,
      RUNS_ON[check.runsOn],
      check.cases,
      first ? duration(check.milliseconds) : '',
    ];
  });
}

/** The whole report, one row per measure. */
export function checkTable({ adapter, checks }: DeviceCheckReport): CsvRows {
  return [
    [
      'kernel',
      'error of',
      'largest error',
      'tolerance',
      'passed',
      'runs on',
      'cases',
      'milliseconds',
      'failure',
      'adapter',
    ],
    ...checks.map((c) => [
      c.kernel,
      c.measure,
      c.largestError,
      c.tolerance,
      c.passed ? 'yes' : 'no',
      c.runsOn,
      c.cases,
      c.milliseconds,
      c.failure,
      adapter,
    ]),
  ];
}

/** Kernels that could not be run, and why. */
export function notRun({ checks }: DeviceCheckReport): readonly (readonly [string, string])[] {
  return [...new Map(checks.flatMap((c) => (c.failure === null ? [] : [[c.kernel, c.failure] as const])))];
}

/** The outcome in a sentence. */
export function outcome({ adapter, checks }: DeviceCheckReport): string {
  const kernels = new Set(checks.map((c) => c.kernel));
  const bad = new Set(checks.filter((c) => !c.passed).map((c) => c.kernel));
  const gpu = new Set(checks.filter((c) => c.runsOn === 'gpu').map((c) => c.kernel)).size;
  const where =
    gpu === 0
      ? ` on the CPU, whose code stands in for every kernel here (GPU adapter: ${adapter})`
      : gpu === kernels.size
        ? ` on the GPU (${adapter})`
        : `, ${gpu} on the GPU (${adapter}) and ${kernels.size - gpu} on the CPU`;
  if (bad.size > 0) {
    const names = [...bad].join(', ');
    const advice =
      gpu > 0
        ? 'Do not trust results from this device: choose WASM above.'
        : 'Do not trust results from this browser.';
    return `${bad.size} of ${kernels.size} kernels did not reproduce the stored float64 results${where}: ${names}. ${advice}`;
  }
  const share = (c: KernelCheck): number => (c.tolerance === 0 ? 0 : c.largestError / c.tolerance);
  const worst = checks.reduce((a, b) => (share(b) > share(a) ? b : a));
  return `All ${kernels.size} kernels reproduce the stored float64 results${where}; the largest error is ${significant(100 * share(worst), 2)} % of what is allowed (${worst.kernel}: ${worst.measure}).`;
}
