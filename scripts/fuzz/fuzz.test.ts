import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FileError, ShapeError } from '../../src/engine/base/errors';
import { Rng } from '../../src/engine/base/rng';
import { root } from '../tools/folders.mjs';
import { runMutant } from './fuzz';
import { mutateJson, mutateValue } from './mutate';
import { measured, withinLimits } from './usage';

const target = (run: () => Promise<unknown>) => [{ name: 'test', weight: 1, run }];
const outcome = (run: () => Promise<unknown>) => runMutant(target(run), 1, 1);

describe('what counts as a fault', () => {
  it.each([
    [
      'a raw error',
      () => Promise.reject(new RangeError('Maximum call stack size exceeded')),
      /not a refusal/,
    ],
    ['an error of our own making', () => Promise.reject(new ShapeError('a')), /not a refusal/],
    [
      'an error without hint',
      () => Promise.reject(Object.assign(new Error('a'), { code: 'file' })),
      /no hint/,
    ],
    [
      'a message without end',
      () => Promise.reject(Object.assign(new Error('a'.repeat(3000)), { code: 'file', hint: 'b' })),
      /3000 characters/,
    ],
    [
      'NaN',
      async () => ({ spectra: [{ sigma: Float32Array.of(1, Number.NaN) }] }),
      /NaN at .spectra.0.sigma\[1\]/,
    ],
    ['an infinity', async () => ({ a: { b: Number.POSITIVE_INFINITY } }), /Infinity at .a.b/],
  ])('%s', async (_what, run, message) => {
    expect(await outcome(run)).toMatchObject({ kind: 'fault', message: expect.stringMatching(message) });
  });

  it('not a refusal, nor what was read', async () => {
    expect(await outcome(() => Promise.reject(new FileError('a')))).toMatchObject({ kind: 'refused' });
    expect(await outcome(async () => ({ a: [1, 'x', null, Float32Array.of(2)] }))).toMatchObject({
      kind: 'read',
    });
  });
});

describe('what a mutant takes', () => {
  const read = { index: 1, target: 'test', kind: 'read', message: '', milliseconds: 1 } as const;

  it.each([
    [{ cpu: 1001, memory: 0 }, 'took 1001 ms of processor time'],
    [{ cpu: 1, memory: 257 * 2 ** 20 }, 'took 257 MiB'],
  ])('is a fault beyond a second of processor time, and beyond 256 MiB: %o', (used, message) => {
    expect(withinLimits(read, used)).toEqual({ ...read, kind: 'fault', message });
  });

  it('is none up to that, nor where the system does not say', () => {
    for (const memory of [2 ** 28, null]) expect(withinLimits(read, { cpu: 1000, memory })).toEqual(read);
  });

  it('is its processor time', async () => {
    const { value, used } = await measured(async () => {
      const start = process.cpuUsage();
      while (process.cpuUsage(start).user < 100_000);
      return 7;
    });
    expect(value).toBe(7);
    expect(used.cpu).toBeGreaterThan(99);
  });

  it.runIf(process.platform === 'linux')('is its memory, also what is gone again', async () => {
    const fill = async (mebibytes: number) =>
      (await measured(async () => void new Uint8Array(mebibytes * 2 ** 20).fill(1))).used.memory ?? 0;
    // More than an allocator keeps for the next one.
    expect((await fill(64)) / 2 ** 20).toBeGreaterThan(60);
    expect((await fill(1)) / 2 ** 20).toBeLessThan(32);
  });
});

it('the same seed gives the same damage, another seed another', () => {
  const text = JSON.stringify({ a: [1, { b: 'x' }], c: 2 });
  const of = (seed: number) =>
    Array.from({ length: 40 }, (_, i) =>
      [...mutateJson(text, new Rng(seed).fork(`${i}`))].slice(0, 200).join(),
    );
  expect(of(1)).toEqual(of(1));
  expect(of(1)).not.toEqual(of(2));
  expect(mutateValue({ a: 1 }, new Rng(3))).not.toEqual({ a: 1 });
});

it('1,000 damaged files are each read or refused', { timeout: 240_000 }, async () => {
  const run = promisify(execFile);
  const program = [join(root, 'scripts/tools/run-ts.mjs'), join(root, 'scripts/fuzz/main.ts')];
  const { stdout } = await run(process.execPath, [...program, '--mutants', '1000', '--seed', '7'], {
    cwd: root,
    encoding: 'utf8',
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  expect(stdout).toMatch(/1000 mutants of seed 7 .*: 0 faults/);
});
