/**
 * `npm run bench:svd`: the decomposition against jax-js (same adapter) and ml-matrix, in Chromium, interleaved in one run.
 * The gates are on the ratio of CPU time of all the browser's processes, from host memory to host memory. One case:
 * `npm run bench:svd -- -t 32×128`.
 *
 * From the environment: VITE_BENCH_ROUNDS (3), VITE_BENCH_GATE=1 (a missed gate fails the test).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../src/engine/device/device';
import { openDevice } from '../../../src/engine/device/open-device';
import { CASES, type Case } from './cases';
import { type Cost, costOf } from './clock';
import { type Contender, contest } from './contenders';
import { judge, type Row, showCase, showTable, type Verdict } from './report';

const rounds = Number(import.meta.env.VITE_BENCH_ROUNDS ?? 3);
/** Calls are repeated until a round takes about this long, because CPU time has a resolution of 10 ms. */
const ROUND_MS = 150;

/** Times `contenders` interleaved, after one call each that is not counted. */
async function time(contenders: readonly Contender[], rounds: number): Promise<Row[]> {
  const rows = contenders.map(({ name }) => ({ name, costs: [] as Cost[] }));
  const repeats: number[] = [];
  for (const { run } of contenders) {
    await run(); // compiles
    const { wall } = await costOf(run);
    repeats.push(Math.max(1, Math.ceil(ROUND_MS / wall)));
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, { run }] of contenders.entries()) {
      const times = repeats[i] as number;
      const { cpu, wall } = await costOf(async () => {
        for (let n = 0; n < times; n++) await run();
      });
      (rows[i] as { costs: Cost[] }).costs.push({ cpu: cpu / times, wall: wall / times });
    }
  }
  return rows;
}

/** Even jax-js's float32 Gram matrix gets σ₁ right; a contender that misses it computed something else. */
async function agree(contenders: readonly Contender[], one: Case): Promise<void> {
  const first = (await (contenders[0] as Contender).run())[0] as number;
  for (const { name, run } of contenders.slice(1)) {
    expect(Math.abs(((await run())[0] as number) / first - 1), `${name}, σ₁ of ${one.name}`).toBeLessThan(
      1e-3,
    );
  }
}

async function measure(device: Device, one: Case): Promise<Verdict[]> {
  const { oursGpu, jax, oursCpu, ml } = await contest(device, one);
  if (!one.gpu) return measureCpu(one, [oursCpu, ml]);
  const quick = one.slow ? [oursGpu, oursCpu, ml] : [oursGpu, jax, oursCpu, ml];
  await agree(quick, one);
  const rows = await time(quick, rounds);
  if (one.slow) rows.splice(1, 0, { name: jax.name, costs: [await costOf(jax.run)] });
  const [gpu, theirs, cpu, matrix] = rows as [Row, Row, Row, Row];
  const verdicts = [judge(gpu, theirs, one.gpu), ...(one.cpu ? [judge(cpu, matrix, one.cpu)] : [])];
  console.log(showCase(one, rows, verdicts));
  return verdicts;
}

async function measureCpu(one: Case, contenders: readonly [Contender, Contender]): Promise<Verdict[]> {
  await agree(contenders, one);
  const rows = await time(contenders, rounds);
  const [ours, matrix] = rows as [Row, Row];
  const verdicts = one.cpu ? [judge(ours, matrix, one.cpu)] : [];
  console.log(showCase(one, rows, verdicts));
  return verdicts;
}

describe(`decompositions, medians of ${rounds} interleaved rounds`, () => {
  let device: Device;
  const all: (readonly [Case, Verdict])[] = [];
  beforeAll(async () => {
    device = await openDevice();
    const { vendor, architecture, description } = device.info;
    console.log(`adapter: ${[vendor, architecture, description].filter(Boolean).join(', ')}`);
  });

  test.each(CASES.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const verdicts = await measure(device, one);
    for (const verdict of verdicts) all.push([one, verdict]);
    if (import.meta.env.VITE_BENCH_GATE) {
      expect(
        verdicts.filter(({ met }) => !met).map(({ what }) => what),
        'gates',
      ).toEqual([]);
    }
  });

  afterAll(() => {
    const body = all.map(([one, { what, ratio, gate, aim, met }]) => [
      one.name,
      what,
      `${ratio.toFixed(1)}×`,
      `${gate}×`,
      met ? 'met' : 'MISSED',
      aim === undefined ? '' : `${aim}× ${ratio >= aim ? 'met' : 'missed'}`,
    ]);
    console.log(showTable(['shape', 'CPU time', 'ratio', 'gate', '', 'aim'], body));
    device.destroy();
  });
});
