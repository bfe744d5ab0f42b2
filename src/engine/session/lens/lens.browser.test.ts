import { afterAll, beforeAll, expect, it } from 'vitest';
import { FIGURE_6, type LensReport, type LensRequest, type Selection } from '../../../contract/lens';
import { CancelledError } from '../../base/errors';
import { Rng } from '../../base/rng';
import type { Device } from '../../device/device';
import { openDevice } from '../../device/open-device';
import { KERNELS } from '../../kernels/svd/svd';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { serveFiles, tinyPair } from '../../testing/tiny-pair.testing';
import { leadingDirections } from '../causal/directions';
import { DeviceModels } from '../models/device-models';
import { loadPair } from '../models/pair';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { gatherStates, sequencesOf } from '../states/states';
import { lens } from './lens';
import { StatesCache } from './states-cache';

/**
 * The lens with its decompositions on the GPU. Software adapters are not used for them, so this one claims
 * not to be one; the states come from WASM, so that both ways see the same ones. Texts of equal length make
 * the lots large enough.
 */
const SAMPLES = 64;
/** Relative to σ₁: the float32 error of a singular value. Measured 2.6e-7. */
const ABSOLUTE = 1e-6;
const WORDS = 'Tom Ann Ben Mia has buys sells gives pens apples books coins 2 3 4 5 6 7 8 9'.split(' ');

let opened: Device;
let device: Device;
let runtime: Runtime;
let models: DeviceModels;
let loaded: LoadedModels;
const cache = new StatesCache();
beforeAll(async () => {
  opened = await openDevice();
  device = Object.create(opened, { info: { value: { ...opened.info, isFallback: false } } });
  runtime = await createRuntime({ provider: 'wasm', wasmPaths });
  models = new DeviceModels(runtime);
  const config = {
    hidden_size: 40,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    intermediate_size: 16,
  };
  const { pair } = await loadPair('models', { fetch: serveFiles(await tinyPair({ config })) });
  loaded = { pair, checkpoints: new Map() };
});
afterAll(async () => {
  await runtime.dispose();
  opened.destroy();
});

const rng = new Rng(4);
const texts = Array.from({ length: SAMPLES }, () =>
  Array.from({ length: 16 }, () => rng.pick(WORDS)).join(' '),
);
const of = (kind: 'teacher' | 'base'): Selection => ({ subject: { kind }, sections: ['text'] });
const REQUEST: LensRequest = {
  ...FIGURE_6,
  source: { kind: 'texts', texts },
  selections: [of('teacher'), of('base')],
  controls: ['shuffled'],
  angles: 3,
};
const ask = (on: Device | undefined, signal?: AbortSignal, report?: () => void): Promise<LensReport> =>
  lens({ models, device: on, loaded, cache }, REQUEST, { signal, report });

const spectraOf = ({ selections, controls }: LensReport) =>
  [...selections, ...controls].flatMap(({ spectra }) => spectra);

it('gives the same report on the GPU as on the CPU, and reports which it used', async () => {
  const before = device.liveBuffers;
  const cpu = await ask(undefined);
  const gpu = await ask(device);
  expect([cpu.kernel, cpu.dtype]).toEqual([KERNELS.cpu, 'f64']);
  expect([gpu.kernel, gpu.dtype]).toEqual([`${KERNELS.thin}, ${KERNELS.small}`, 'f32']);
  expect(device.liveBuffers).toBe(before);
  const [want, got] = [spectraOf(cpu), spectraOf(gpu)];
  expect(got.length).toBe(3 * SAMPLES);
  for (const [i, { sigma, cumulative, effectiveRank, label }] of want.entries()) {
    const here = got[i] as (typeof got)[number];
    expect([here.label, here.sigma.length]).toEqual([label, sigma.length]);
    const first = sigma[0] as number;
    sigma.forEach((x, k) => {
      expect(Math.abs((here.sigma[k] as number) - x)).toBeLessThan(ABSOLUTE * first);
      // A share of Σσ, which is at least σ₁, of at most 40 values. Measured 6e-8.
      expect(Math.abs((here.cumulative[k] as number) - (cumulative[k] as number))).toBeLessThan(1e-6);
    });
    // Measured 1.3e-7.
    expect(Math.abs(here.effectiveRank / effectiveRank - 1)).toBeLessThan(2e-6);
  }
  for (const [i, { layerRanks, collapse }] of cpu.selections.entries()) {
    const here = gpu.selections[i];
    for (const [p, { effectiveRank, stableRank, ...rest }] of layerRanks.entries()) {
      expect(here?.layerRanks[p]).toMatchObject(rest);
      expect((here?.layerRanks[p]?.effectiveRank as number) / effectiveRank).toBeCloseTo(1, 5);
      expect((here?.layerRanks[p]?.stableRank as number) / stableRank).toBeCloseTo(1, 5);
    }
    // Cosines are float64 on the CPU either way.
    expect(here?.collapse.cosine).toEqual(collapse.cosine);
    collapse.effectiveRank.forEach((x, p) => {
      expect((here?.collapse.effectiveRank[p] as number) / x).toBeCloseTo(1, 5);
    });
  }
  // Vectors err by float32 over the gap to the next value, a tenth of σ₁ here. Measured 2e-7.
  for (const which of ['angles', 'chance'] as const)
    gpu.angles?.[which].forEach((t, i) => {
      expect(Math.abs(t - (cpu.angles?.[which][i] as number)), `${which} ${i}`).toBeLessThan(1e-5);
    });
  expect(gpu.angles?.angles.length).toBe(6);
});

it.each([2, 6])('frees every buffer when cancelled at event %i', async (at) => {
  await models.dispose();
  const before = [device.liveBuffers, opened.liveBuffers, runtime.liveTensors, runtime.programCount];
  const stop = new AbortController();
  let heard = 0;
  const cancelled = ask(device, stop.signal, () => {
    if (++heard === at) stop.abort();
  });
  await expect(cancelled).rejects.toThrow(CancelledError);
  expect(heard).toBe(at);
  await models.dispose();
  expect([device.liveBuffers, opened.liveBuffers, runtime.liveTensors, runtime.programCount]).toEqual(before);
});

it('finds the directions of the causal test on the GPU as on the CPU', async () => {
  const sequences = sequencesOf({ kind: 'texts', texts }, loaded);
  const states = await gatherStates(models, resolveSubject({ kind: 'teacher' }, loaded), sequences, ['text']);
  const r = 3;
  for (const centred of [false, true]) {
    const [cpu, gpu] = [
      await leadingDirections(states, 2, r, centred),
      await leadingDirections(states, 2, r, centred, { device }),
    ];
    expect(gpu.centre).toEqual(cpu.centre);
    expect(gpu.rows).not.toEqual(cpu.rows);
    gpu.rows.forEach((x, i) => {
      expect(Math.abs(x - (cpu.rows[i] as number))).toBeLessThan(1e-5);
    });
  }
});
