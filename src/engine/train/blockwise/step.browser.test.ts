import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, openDevice } from '../../device/device';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { gpuOptimiser } from '../gpu-optimiser';
import { hostOptimiser } from '../optimiser';
import type { TrainStep } from '../step';
import { relativeError, type TinyStep, tinyStep } from '../tiny.testing';
import { compileWholeStep } from '../whole-step';
import { compileBlockwiseStep } from './step';

/** f32 on a software adapter, whose exp errs by 1e-6, against f32 on WASM. */
const TOLERANCE = 2e-4;

const OPTIMISER = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05, clip: 0.5 };

interface Outcome {
  readonly terms: readonly number[];
  readonly gradients: readonly Float32Array[];
}

async function outcomeOf(runtime: Runtime, step: TrainStep, tiny: TinyStep): Promise<Outcome> {
  const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  await step.run(tiny.feeds, packs);
  const [live, reads] = [runtime.liveTensors, runtime.readCount];
  const out = await step.run(tiny.feeds, packs);
  // The vector of terms and nothing else is read; no step makes new tensors.
  expect(runtime.readCount - reads).toBe(1);
  expect(runtime.liveTensors).toBe(live);
  const gradients: Float32Array[] = [];
  for (const gradient of out.gradients) gradients.push((await gradient.read()) as Float32Array);
  for (const pack of packs) pack.dispose();
  step.dispose();
  return { terms: out.terms, gradients };
}

function errorOf(actual: Outcome, expected: Outcome): number {
  expect(expected.gradients.every((g) => g.some((x) => Math.abs(x) > 1e-6))).toBe(true);
  return Math.max(
    ...expected.terms.map((term, i) => Math.abs((actual.terms[i] as number) - term) / Math.abs(term)),
    ...expected.gradients.map((g, i) => relativeError(actual.gradients[i] as Float32Array, g)),
  );
}

describe('a training step on WebGPU', () => {
  let device: Device;
  let gpu: Runtime;
  let wasm: Runtime;
  beforeAll(async () => {
    device = await openDevice();
    wasm = await createRuntime({ provider: 'wasm', wasmPaths });
    gpu = await createRuntime({ provider: 'webgpu', device, wasmPaths });
  });
  afterAll(async () => {
    await gpu.dispose();
    await wasm.dispose();
    device.destroy();
  });

  // Nearly all of the time is the first step's: the software adapter compiles its shaders then.
  it('agrees with WASM: as one program with traced losses, as small programs with losses by shaders', {
    timeout: 240_000,
  }, async () => {
    const tiny = tinyStep({ latentSteps: 2, explicit: false });
    const { spec, weights } = tiny;
    const expected = await outcomeOf(wasm, await compileWholeStep(wasm, spec, weights), tiny);
    const forms: Record<string, () => Promise<TrainStep>> = {
      kernels: () => compileBlockwiseStep(gpu, spec, weights, { losses: 'kernels', device }),
      whole: () => compileWholeStep(gpu, spec, weights),
    };
    for (const [form, compile] of Object.entries(forms)) {
      const start = performance.now();
      const step = await compile();
      const compiled = performance.now();
      const error = errorOf(await outcomeOf(gpu, step, tiny), expected);
      const [ready, ran] = [compiled - start, performance.now() - compiled].map(Math.round);
      console.log(
        `${form}: error ${error.toExponential(1)}, compiled in ${ready} ms, two steps in ${ran} ms`,
      );
      expect(error).toBeLessThan(TOLERANCE);
    }
    expect(gpu.liveTensors).toBe(0);
  });

  it('needs the device for losses on states', async () => {
    const tiny = tinyStep();
    await expect(compileBlockwiseStep(gpu, tiny.spec, tiny.weights)).rejects.toThrow(
      'need the device on WebGPU',
    );
  });

  it('updates the packs in place as the optimiser in host memory does', async () => {
    const tiny = tinyStep({ losses: 'ce' });
    const pair = (runtime: Runtime) => ({
      packs: tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data })),
      gradients: tiny.packs.map((data, i) =>
        runtime.upload({
          dtype: 'f32',
          shape: [data.length],
          data: data.map((x) => Math.sin(40 * x) * (i + 1)),
        }),
      ),
    });
    const [host, onGpu] = [pair(wasm), pair(gpu)];
    const before = device.liveBuffers;
    const optimisers = [
      hostOptimiser(host.packs, OPTIMISER),
      await gpuOptimiser(device, onGpu.packs, OPTIMISER),
    ] as const;
    for (const rate of [1e-2, 5e-3, 2e-3]) {
      const expected = await optimisers[0].update(host.gradients, rate);
      const reads = device.readBacks;
      const actual = await optimisers[1].update(onGpu.gradients, rate);
      expect(device.readBacks - reads).toBe(1);
      expect(expected.norm).toBeGreaterThan(OPTIMISER.clip);
      expect(Math.abs(actual.norm / expected.norm - 1)).toBeLessThan(1e-5);
    }
    const check = async (): Promise<void> => {
      for (let i = 0; i < host.packs.length; i++) {
        const start = tiny.packs[i] as Float32Array;
        const moved = (x: Float32Array): Float32Array => x.map((v, j) => v - (start[j] as number));
        const [expected, actual] = [host.packs[i]?.data, await onGpu.packs[i]?.read()] as [
          Float32Array,
          Float32Array,
        ];
        expect(relativeError(moved(actual), moved(expected))).toBeLessThan(1e-4);
      }
    };
    await check();
    const bad = tiny.packs[1]?.map((x, j) => (j === 3 ? Number.NaN : x)) as Float32Array<ArrayBuffer>;
    onGpu.gradients[1]?.write(bad);
    expect((await optimisers[1].update(onGpu.gradients, 1e-2)).finite).toBe(false);
    await check();
    for (const optimiser of optimisers) optimiser.dispose();
    expect(device.liveBuffers).toBe(before);
    for (const tensor of [...host.packs, ...host.gradients, ...onGpu.packs, ...onGpu.gradients])
      tensor.dispose();
  });
});
