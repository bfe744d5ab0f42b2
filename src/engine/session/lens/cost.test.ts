import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Progress } from '../../../contract/events';
import { CONTROLS, FIGURE_6, type LensRequest } from '../../../contract/lens';
import { MemoryError } from '../../base/errors';
import type { Runtime } from '../../runtime/runtime';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import type { DeviceModels } from '../models/device-models';
import type { LoadedModel } from '../models/pair';
import type { LoadedModels } from '../models/subjects';
import { PhaseClock } from '../runs/clock';
import { BATCH_BYTES } from '../states/buckets';
import { LoriWorkbench } from '../workbench';
import { lensCost } from './cost';
import { lens } from './lens';
import { Meter } from './meter';
import { LensPace } from './pace';
import { MAX_LENS_BYTES, planLens } from './plan';
import { StatesCache } from './states-cache';
import { svdWork } from './work';

interface Inside {
  readonly opened: { readonly runtime: Runtime; readonly models: DeviceModels };
  loadedModels(): LoadedModels;
}
let workbench: LoriWorkbench;
const inside = () => insideOf<Inside>(workbench);
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

const request = (changes: Partial<LensRequest> = {}): LensRequest => ({
  ...FIGURE_6,
  source: { kind: 'problems', seed: 1, samples: 5 },
  controls: CONTROLS,
  ...changes,
});
/** The pair with a configuration of these sizes; nothing of it is run. */
function sized(layers: number, hiddenSize: number): LoadedModels {
  const loaded = inside().loadedModels();
  const grown = (model: LoadedModel) => ({ ...model, config: { ...model.config, layers, hiddenSize } });
  return { ...loaded, pair: loaded.pair && { ...loaded.pair, teacher: grown(loaded.pair.teacher) } };
}
const costOn = (loaded: LoadedModels, asked = request(), pace = new LensPace()) =>
  lensCost({ loaded, cache: new StatesCache(), pace, provider: 'wasm' }, asked);

describe('the cost of a request', () => {
  it('is given before anything is run, and counts what the request then does', async () => {
    const compile = vi.spyOn(inside().opened.runtime, 'compile');
    const cost = await workbench.lensCost(request());
    expect(compile).not.toHaveBeenCalled();
    compile.mockRestore();
    const { tokens } = planLens(request(), inside().loadedModels()).selections[0]!;
    expect(cost.largest).toEqual([2 * Math.max(...tokens), 32]);
    expect(cost.reading.samples).toBe(15);
    expect(cost.reading.tokens).toBeGreaterThan(3 * tokens.reduce((a, b) => a + b, 0));
    expect(cost.seconds.decomposing).toBeGreaterThan(0);
    expect(cost.seconds.reading).toBeGreaterThan(0);
    const seen: Progress[] = [];
    await workbench.lens(request(), { report: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toMatchObject({ phase: 'spectra', done: cost.matrices, total: cost.matrices });
    // Cached states need not be read again.
    expect((await workbench.lensCost(request())).reading).toEqual({ samples: 0, tokens: 0 });
  });

  it('grows as the matrices do, and follows what was measured', () => {
    const pace = new LensPace();
    pace.note('cpu', 2e9, 1);
    const at = (hidden: number) => costOn(sized(24, hidden), request(), pace);
    const [small, large] = [at(448), at(896)].map(({ seconds }) => seconds.decomposing as number) as [
      number,
      number,
    ];
    // Rows are the shorter side here: computing the Gram matrices grows with H, their reduction does not.
    expect(large / small).toBeGreaterThan(1.3);
    expect(large / small).toBeLessThan(2);
    pace.note('cpu', 1e9, 1);
    expect(at(896).seconds.decomposing).toBeCloseTo(2 * large, 6);
    // Too little work to measure a pace.
    pace.note('cpu', 1000, 1);
    expect(at(896).seconds.decomposing).toBeCloseTo(2 * large, 6);
    expect(at(896).seconds.reading).toBeGreaterThan(0);
    pace.note('reading', 1e8, 1);
    const slow = at(896).seconds.reading as number;
    pace.note('reading', 2e8, 1);
    expect(at(896).seconds.reading).toBeCloseTo(slow / 2, 6);
    pace.forgetDevice();
    expect(
      lensCost({ loaded: sized(24, 896), cache: new StatesCache(), pace }, request()).seconds.reading,
    ).toBe(null);
  });

  it('is not timed if timing would take longer than the request', () => {
    const clocked = vi.spyOn(performance, 'now');
    const pace = new LensPace();
    const small = pace.seconds('cpu', 1e7) as number;
    expect(small).toBeGreaterThan(1e-3);
    expect(small).toBeLessThan(0.1);
    expect(clocked).not.toHaveBeenCalled();
    const large = pace.seconds('cpu', 1e9) as number;
    expect(clocked).toHaveBeenCalled();
    clocked.mockRestore();
    // Once measured, the pace holds for small requests too.
    expect(pace.seconds('cpu', 1e7)).toBeCloseTo(large / 100, 9);
  });

  it('is refused with what would fit', () => {
    const many = request({ source: { kind: 'problems', seed: 1, samples: 400 } });
    expect(() => costOn(sized(32, 16384), many)).toThrow(MemoryError);
    expect(() => costOn(sized(32, 16384), many)).toThrow(/GB with working copies/);
  });

  it('counts the work of a decomposition to within a factor of two of its time, from 60 × 896 to 1440 × 896', () => {
    // CPU seconds for one matrix on an idle core, `npm run bench:lens`, in units of the largest one's.
    const measured = { '60': 0.0015 / 0.4, '960': 0.306 / 0.4, '1440': 1 };
    for (const [rows, share] of Object.entries(measured)) {
      const ratio = svdWork(Number(rows), 896) / svdWork(1440, 896) / share;
      expect(ratio).toBeGreaterThan(0.5);
      expect(ratio).toBeLessThan(2);
    }
  });
});

describe('controls that are not kept', () => {
  const loadedModels = () => inside().loadedModels();
  const run = (asked: LensRequest, keptBytes: number, cache: StatesCache) =>
    lens({ models: inside().opened.models, loaded: loadedModels(), cache, keptBytes }, asked);

  it.each(['sample', 'layer'] as const)('give the same spectra stacked by %s', async (stack) => {
    const asked = request({ stack, centre: true });
    const [all, none] = [new StatesCache(), new StatesCache()];
    const kept = await run(asked, Number.POSITIVE_INFINITY, all);
    const passed = await run(asked, 0, none);
    expect(passed.controls).toEqual(kept.controls);
    expect(passed.selections).toEqual(kept.selections);
    expect(kept.controls.map(({ control }) => control)).toEqual(CONTROLS);
    // Counted: the selection's states stay, and those of two controls do not.
    expect(all.bytes).toBe(3 * none.bytes);
    expect(none.bytes).toBeGreaterThan(0);
  });

  it('take the memory of one sample and of the batch in which it was read', () => {
    const H = 4096;
    const memory = (asked: LensRequest, keptBytes: number) =>
      planLens(asked, sized(8, H), { keptBytes }).bytes;
    const { tokens } = planLens(request(), sized(8, H)).selections[0]!;
    const state = 8 * H * 4;
    const alone = memory(request({ controls: [] }), 0);
    const whole = tokens.reduce((a, b) => a + b, 0) * state;
    expect(memory(request(), 0)).toBe(alone + Math.max(...tokens) * state + BATCH_BYTES);
    expect(memory(request(), MAX_LENS_BYTES)).toBe(alone + 2 * whole);
    const stacked = request({ stack: 'all' });
    expect(memory(stacked, 0)).toBe(memory({ ...stacked, controls: [] }, 0) + whole);
    expect(planLens(request({ controls: ['gaussian'] }), sized(8, H), { keptBytes: 0 }).passing).toBe(false);
  });
});

describe('progress', () => {
  it('estimates the time left from the share that has passed, once half a second is over', () => {
    let now = 1000;
    const clocked = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const seen: Progress[] = [];
    const clock = new PhaseClock((event) => event.kind === 'progress' && seen.push(event.progress));
    clock.begin('spectra');
    for (const [at, done, share] of [
      [1100, 1, 0.1],
      [3000, 1, 0.2],
      [11_000, 4, 1],
    ] as const) {
      now = at;
      clock.tell(done, 4, 'matrices', share);
    }
    clock.tell(2, 4, 'matrices');
    clocked.mockRestore();
    // One of four matrices took 2 s, but it was a fifth of the work.
    expect(seen.map(({ left }) => left)).toEqual([undefined, 8000, 0, undefined]);
  });

  it('weights parts by how long they take, and learns their pace', async () => {
    const pace = new LensPace();
    pace.note('cpu', 1e9, 1);
    const [long, short] = [
      { matrices: 1, cpu: 9e8, gpu: 0 },
      { matrices: 3, cpu: 1e8, gpu: 0 },
    ];
    const told: [number, number, number][] = [];
    const total = { matrices: 4, cpu: 1e9, gpu: 0 };
    const meter = new Meter(total, pace, (...all) => told.push(all));
    await meter.part(long, async (onProgress) => onProgress(1));
    await meter.part(short, async (onProgress) => {
      for (const done of [1, 2, 3]) onProgress(done / 3);
    });
    expect(told.map(([done, of]) => [done, of])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
    expect(told[0]?.[2]).toBeCloseTo(0.9, 6);
    expect(told.at(-1)?.[2]).toBeCloseTo(1, 6);
    const before = pace.seconds('cpu', 1e9) as number;
    meter.learn();
    expect(pace.seconds('cpu', 1e9)).toBeLessThan(before / 10);
  });
});
