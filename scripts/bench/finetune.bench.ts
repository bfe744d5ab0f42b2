/**
 * The step of `npm run bench:finetune` beside jax-js, in Chromium on WASM: loss and gradients of all weights on one batch, the
 * same weights and tokens, which must agree before anything is timed. Run by `bench:finetune`, which says what in
 * VITE_BENCH_FINETUNE; VITE_BENCH_THREADS, VITE_BENCH_SECONDS and VITE_BENCH_WARMUP as for `bench:train`.
 */
import { expect, test } from 'vitest';
import type { FineTuning } from './finetune/problem';
import { Contest } from './train/contest';
import { judge, showCase } from './train/report';
import { settings, TOLERANCE, wasmContenders } from './train/settings';

const asked = import.meta.env.VITE_BENCH_FINETUNE as string | undefined;

test.skipIf(!asked)('all weights of a checkpoint, beside jax-js', async () => {
  expect(globalThis.crossOriginIsolated, 'threads need cross-origin isolation').toBe(true);
  const fineTuning = JSON.parse(asked as string) as FineTuning;
  const contest = new Contest({ fineTuning }, wasmContenders);
  try {
    const opened = await contest.open();
    const agreement = await contest.verify();
    expect(agreement.worst, 'results agree').toBeLessThanOrEqual(TOLERANCE);
    const timings = await contest.time(settings.warmup, settings.seconds);
    const { checkpoint, batch, context } = fineTuning;
    const what = { name: `${checkpoint}, all weights`, sizes: { B: batch, T: context }, gates: {} };
    const result = judge(what, wasmContenders, opened, agreement, timings);
    const rates = result.contenders.map(
      ({ name, median }) => `${name} ${((1000 * batch * context) / median).toFixed(0)}`,
    );
    console.log(`${showCase(result)}\n  tokens/s: ${rates.join(', ')}`);
  } finally {
    contest.close();
  }
});
