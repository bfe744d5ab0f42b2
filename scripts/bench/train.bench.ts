/**
 * `npm run bench:train`: one training step against jax-js, in Chromium, on the same weights and inputs in the same run.
 * Losses and all gradients must agree before anything is timed. One case: `npm run bench:train -- -t tiny`.
 *
 * From the environment: VITE_BENCH_THREADS (our threads, default `1,2`), VITE_BENCH_SECONDS (timed seconds per contender;
 * 5), VITE_BENCH_WARMUP (seconds before that; 6), VITE_BENCH_WEBGPU=1 (also WebGPU, without gates), VITE_BENCH_GATE=1 (a
 * missed gate fails the test), VITE_BENCH_OUT (folder below the project's root for `{case}.json` with every timed step).
 */
import { afterAll, describe, expect, test } from 'vitest';
import { commands, server } from 'vitest/browser';
import { CASES, type Case } from './train/cases';
import { Contest } from './train/contest';
import type { ContenderKind } from './train/protocol';
import { type CaseResult, judge, showCase } from './train/report';
import { settings, TOLERANCE, wasmContenders } from './train/settings';

const env = import.meta.env;
const { seconds, warmup } = settings;

const gpu: ContenderKind[] = [
  { runs: 'ours', provider: 'webgpu' },
  { runs: 'jax-js', provider: 'webgpu' },
];

async function measure(one: Case, kinds: readonly ContenderKind[]): Promise<CaseResult> {
  const contest = new Contest({ caseName: one.name }, kinds);
  try {
    const opened = await contest.open();
    const agreement = await contest.verify();
    expect(agreement.worst, 'results agree').toBeLessThanOrEqual(TOLERANCE);
    return judge(one, kinds, opened, agreement, await contest.time(warmup, seconds));
  } finally {
    contest.close();
  }
}

async function report(result: CaseResult, file: string): Promise<void> {
  console.log(showCase(result));
  if (!env.VITE_BENCH_OUT) return;
  const path = `${server.config.root}/${env.VITE_BENCH_OUT}/${file}.json`;
  await commands.writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
}

describe(`a training step, ${warmup} s of warm-up and ${seconds} s per contender, interleaved`, () => {
  const missed: string[] = [];

  test.each(CASES.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    expect(globalThis.crossOriginIsolated, 'threads need cross-origin isolation').toBe(true);
    const result = await measure(one, wasmContenders);
    await report(result, name);
    const failed = result.gates.filter(({ passed }) => !passed).map(({ what }) => `${name}: ${what}`);
    missed.push(...failed);
    if (env.VITE_BENCH_GATE) expect(failed, 'gates').toEqual([]);
  });

  test.skipIf(!env.VITE_BENCH_WEBGPU).each(CASES.slice(0, 2).map((one) => [one.name, one] as const))(
    '%s on WebGPU (reported, not gated; set VITE_BENCH_WEBGPU=1)',
    async (name, one) => report(await measure(one, gpu), `${name}-webgpu`),
  );

  afterAll(() => {
    console.log(missed.length > 0 ? `gates missed: ${missed.join('; ')}` : 'gates: none missed');
  });
});
