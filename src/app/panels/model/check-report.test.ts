import { describe, expect, it } from 'vitest';
import type { DeviceCheckReport, KernelCheck } from '../../../contract/lens';
import { csv } from '../../../text/csv';
import { CHECK_COLUMNS, checkRows, checkTable, notRun, outcome } from './check-report';

const row: KernelCheck = {
  kernel: 'Moments',
  runsOn: 'gpu',
  cases: 3,
  measure: 'μ, relative',
  largestError: 2e-6,
  tolerance: 1e-5,
  passed: true,
  milliseconds: 12.34,
  failure: null,
};
const report = (...checks: KernelCheck[]): DeviceCheckReport => ({
  adapter: 'acme',
  checks,
  milliseconds: 50,
});
const far: KernelCheck = { ...row, measure: 'C, relative', largestError: 3e-4, passed: false };
const broken: KernelCheck = {
  ...row,
  kernel: 'SVD',
  largestError: Number.NaN,
  passed: false,
  failure: 'a "shader" does not compile',
};

describe('the report of the check', () => {
  it('says in a sentence that all is well, and which error comes closest', () => {
    expect(outcome(report(row, { ...row, kernel: 'AdamW', largestError: 1e-7 }))).toBe(
      'All 2 kernels reproduce the stored float64 results on the GPU (acme); the largest error is 20 % of what is allowed (Moments: μ, relative).',
    );
    expect(outcome(report(row, { ...row, kernel: 'svd', runsOn: 'cpu' }))).toContain(
      'results, 1 on the GPU (acme) and 1 on the CPU; the',
    );
    expect(outcome(report({ ...row, runsOn: 'cpu' }))).toContain('on the CPU, whose code stands in');
    expect(outcome(report({ ...row, tolerance: 0, largestError: 0 }))).toContain('is 0 % of');
  });

  it('names the kernels that failed and what to do', () => {
    expect(outcome(report(row, far, broken))).toBe(
      '2 of 2 kernels did not reproduce the stored float64 results on the GPU (acme): Moments, SVD. Do not trust results from this device: choose WASM above.',
    );
    expect(notRun(report(row, broken, { ...broken, measure: 'other' }))).toEqual([
      ['SVD', 'a "shader" does not compile'],
    ]);
  });

  it('writes verdicts in words, and a kernel’s time once', () => {
    const rows = checkRows(report(row, far, broken));
    expect(rows.map((cells) => cells.length)).toEqual(Array(3).fill(CHECK_COLUMNS.length));
    expect(rows.map((cells) => cells[1])).toEqual(['✓ passed', '✕ too far off', '✕ did not run']);
    expect(rows.map((cells) => cells[2])).toEqual(['2.0e−6', '3.0e−4', '–']);
    expect(rows.map((cells) => cells.at(-1))).toEqual(['12 ms', '', '12 ms']);
  });

  it('writes everything into the CSV', () => {
    const lines = csv(checkTable(report(row, broken)))
      .trim()
      .split('\n');
    expect(lines[1]).toBe('Moments,"μ, relative",0.000002,0.00001,yes,gpu,3,12.34,,acme');
    expect(lines[2]).toBe(
      'SVD,"μ, relative",NaN,0.00001,no,gpu,3,12.34,"a ""shader"" does not compile",acme',
    );
  });
});
