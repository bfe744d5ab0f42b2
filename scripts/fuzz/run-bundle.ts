/** Run bundles: the archive damaged, or one of its files, with hashes that speak of it as it is. */
import { parseRunConfig } from '../../src/contract/config';
import { METHODS } from '../../src/contract/methods/index';
import { emptySeries } from '../../src/contract/series-schema';
import type { Rng } from '../../src/engine/base/rng';
import { sha256Hex } from '../../src/engine/base/sha256';
import { readRunBundle } from '../../src/engine/session/exports/read-bundle';
import { type BundledFile, bundleFiles, zipOf } from '../../src/engine/session/exports/run-bundle';
import { readSnapshot, writeSnapshot } from '../../src/engine/session/runs/snapshot-file';
import { mutateBytes, mutateFile } from './mutate';
import type { Target } from './target';

const config = parseRunConfig({});
const series = {
  ...emptySeries,
  step: [1, 2],
  learningRate: [1e-3, 1e-3],
  gradientNorm: [1, Number.NaN],
  milliseconds: [30, 31],
  losses: { total: [3, 2] },
};

async function bundled(): Promise<readonly BundledFile[]> {
  const student = writeSnapshot({
    header: {
      ...{ version: 1, config, savedAt: 1_790_000_000_000, status: 'training', step: 2, kept: null },
      ...{ models: { base: 'a'.repeat(64) }, provider: 'wasm', heldOut: null },
      data: { training: ['train-1', 'train-2'], validation: 1, heldOut: 1, sha256: 'b'.repeat(64) },
      seconds: { teacher: 1, compile: 1, train: 1, evaluate: 1 },
    },
    series,
    parameters: [{ name: 'student.0', shape: [6] }],
    values: [new Float32Array(6).fill(0.5)],
  });
  const run = { id: 'run', savedAt: 1_790_000_000_000, config, result: null, series };
  return bundleFiles(run, await readSnapshot(student, METHODS), student, null);
}

/** One file damaged, and bundle.json as if it had been written so. */
async function withDamage(files: readonly BundledFile[], rng: Rng): Promise<Blob> {
  const { name: damaged } = rng.pick(files);
  const next = files.map(({ name, bytes }) => ({
    name,
    bytes: name === damaged ? mutateFile(name, bytes, rng) : bytes,
  }));
  if (damaged === 'bundle.json') return zipOf(next);
  const about = JSON.parse(new TextDecoder().decode(files[0]?.bytes));
  for (const { name, bytes } of next.slice(1))
    about.files[name] = { bytes: bytes.length, sha256: await sha256Hex(bytes) };
  return zipOf([
    { name: 'bundle.json', bytes: new TextEncoder().encode(JSON.stringify(about)) },
    ...next.slice(1),
  ]);
}

export async function runBundle(): Promise<Target> {
  const files = await bundled();
  const whole = await (await zipOf(files)).bytes();
  return {
    name: 'run bundle',
    weight: 5,
    async run(rng) {
      const data = rng.pick([true, false])
        ? await withDamage(files, rng)
        : new Blob([mutateBytes(whole, rng)]);
      // Curves may hold NaN, and the charts know it.
      const { student: _, run, ...opened } = await readRunBundle({ name: 'run.zip', data }, METHODS);
      return { ...opened, run: { ...run, series: run.series.step } };
    },
  };
}
